"""The hardware specification: what a client posts, as pydantic models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
GpioNumber = Annotated[int, Field(ge=0, le=99, description="GPIO number")]
#: One line of printable text, since it ends in comments and in a heading.
OneLine = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f\u2028\u2029]*$", max_length=200)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DigitalOutput(_Model):
    """A relay, a valve, a lamp: on or off."""

    type: Literal["digital_output"]
    id: Identifier
    pin: GpioNumber
    active_low: bool = False


class DigitalInput(_Model):
    """A switch or a button."""

    type: Literal["digital_input"]
    id: Identifier
    pin: GpioNumber
    pull: Literal["none", "up", "down"] = "none"


class PwmOutput(_Model):
    """A fan, a dimmed lamp: a duty cycle."""

    type: Literal["pwm"]
    id: Identifier
    pin: GpioNumber
    frequency_hz: Annotated[int, Field(ge=10, le=40_000)] = 1000


class AnalogInput(_Model):
    """A voltage that an ADC reads."""

    type: Literal["analog_input"]
    id: Identifier
    pin: GpioNumber


class OneWire(_Model):
    """A pin on which 1-Wire or DHT sensors are."""

    type: Literal["one_wire"]
    id: Identifier
    pin: GpioNumber


class I2c(_Model):
    """An I2C bus."""

    type: Literal["i2c"]
    id: Identifier
    bus: Annotated[int, Field(ge=0, le=9)]
    scl: GpioNumber
    sda: GpioNumber
    frequency_hz: Annotated[int, Field(ge=10_000, le=1_000_000)] = 100_000


class Spi(_Model):
    """An SPI bus with one device selected by `cs`."""

    type: Literal["spi"]
    id: Identifier
    bus: Annotated[int, Field(ge=0, le=9)]
    sck: GpioNumber
    mosi: GpioNumber
    miso: GpioNumber
    cs: GpioNumber
    frequency_hz: Annotated[int, Field(ge=10_000, le=10_000_000)] = 1_000_000


class Uart(_Model):
    """A serial port."""

    type: Literal["uart"]
    id: Identifier
    bus: Annotated[int, Field(ge=0, le=9)]
    tx: GpioNumber
    rx: GpioNumber
    baudrate: Annotated[int, Field(ge=300, le=921_600)] = 9600


Peripheral = Annotated[
    DigitalOutput | DigitalInput | PwmOutput | AnalogInput | OneWire | I2c | Spi | Uart,
    Field(discriminator="type"),
]


class _Sensor(_Model):
    id: Identifier
    peripheral: Identifier


class AddressedSensor(_Sensor):
    """A sensor on I2C."""

    kind: Literal["bme280", "bh1750", "scd4x"]
    address: Annotated[int, Field(ge=0x08, le=0x77)] | None = None


class PlainSensor(_Sensor):
    """A sensor that its peripheral alone describes."""

    kind: Literal["dht11", "dht22", "ds18x20", "max6675", "pms5003", "switch"]


class AnalogSensor(_Sensor):
    """A voltage mapped on a line through two points: raw readings of 0 to 65535 to values."""

    kind: Literal["analog"]
    raw_low: Annotated[int, Field(ge=0, le=65_535)] = 0
    raw_high: Annotated[int, Field(ge=0, le=65_535)] = 65_535
    value_low: float = 0.0
    value_high: float = 100.0


Sensor = Annotated[AddressedSensor | PlainSensor | AnalogSensor, Field(discriminator="kind")]


class Action(_Model):
    """Switches an output on while a measurement is beyond a threshold, and off once it is back.

    `measurement` is `<sensor>.<quantity>`; `hysteresis` is how far back it must come.
    """

    id: Identifier
    measurement: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}\.[a-z0-9_]{1,30}$")]
    condition: Literal["above", "below"]
    threshold: float
    hysteresis: Annotated[float, Field(ge=0)] = 0.0
    output: Identifier
    level: Annotated[float, Field(gt=0, le=1)] = 1.0


class HardwareSpecification(_Model):
    """A board, what is wired to it, what is measured and what is to happen."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
    description: OneLine = ""
    board: Literal["esp32", "esp32c3", "pico"]
    platform: Literal["micropython", "arduino"] = "micropython"
    interval_seconds: Annotated[float, Field(ge=1, le=86_400)] = 30.0
    peripherals: Annotated[list[Peripheral], Field(min_length=1, max_length=40)]
    sensors: Annotated[list[Sensor], Field(max_length=40)] = []
    actions: Annotated[list[Action], Field(max_length=40)] = []


#: What each kind of sensor measures, and what it must be wired to.
QUANTITIES: dict[str, tuple[str, ...]] = {
    "analog": ("value",),
    "bh1750": ("illuminance_lux",),
    "bme280": ("temperature_c", "humidity_percent", "pressure_hpa"),
    "dht11": ("temperature_c", "humidity_percent"),
    "dht22": ("temperature_c", "humidity_percent"),
    "ds18x20": ("temperature_c",),
    "max6675": ("temperature_c",),
    "pms5003": ("pm1_ug_m3", "pm2_5_ug_m3", "pm10_ug_m3"),
    "scd4x": ("co2_ppm", "temperature_c", "humidity_percent"),
    "switch": ("state",),
}
WIRING: dict[str, str] = {
    "analog": "analog_input",
    "bh1750": "i2c",
    "bme280": "i2c",
    "dht11": "one_wire",
    "dht22": "one_wire",
    "ds18x20": "one_wire",
    "max6675": "spi",
    "pms5003": "uart",
    "scd4x": "i2c",
    "switch": "digital_input",
}
DEFAULT_ADDRESSES: dict[str, int] = {"bh1750": 0x23, "bme280": 0x76, "scd4x": 0x62}


def pins_of(peripheral: Peripheral) -> dict[str, int]:
    """Return the signals of a peripheral and the pins they are on."""
    match peripheral:
        case I2c():
            return {"scl": peripheral.scl, "sda": peripheral.sda}
        case Spi():
            return {
                "sck": peripheral.sck,
                "mosi": peripheral.mosi,
                "miso": peripheral.miso,
                "cs": peripheral.cs,
            }
        case Uart():
            return {"tx": peripheral.tx, "rx": peripheral.rx}
        case _:
            return {"pin": peripheral.pin}
