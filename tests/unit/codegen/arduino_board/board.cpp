// A board played by a program: it runs a sketch's setup and loop, and prints what the sketch does to its pins.
// Sensors answer as far as the program's arguments say: `adc=PIN:RAW`, `high=PIN`, `i2c=ADDRESS:HEX…` (what a device answers,
// byte by byte, read after read), `spi=WORD`, `uart=HEX…` (all that comes at once) or `frames=HEX…` (each second, at 9600
// baud into a port that keeps 31 bytes), `wire=PIN:HEX…` (the scratchpad of a DS18B20). Time goes on as the sketch waits.
#include <Arduino.h>
#include <SPI.h>
#include <Wire.h>

#include <cstdarg>
#include <deque>
#include <map>
#include <string>
#include <vector>

static unsigned long now_us = 0;
static std::map<int, int> adc, levels;
static std::map<int, std::deque<uint8_t>> devices;
static std::deque<uint8_t> uart_bytes, wire_bytes;
static int spi_word = 0;
static int asked = -1;

// A DS18B20: what it hears and says depends on how long the wire is held low.
static struct {
  int pin = -1;
  std::deque<uint8_t> scratchpad;
  uint8_t mode = INPUT, level = LOW, byte = 0;
  bool low = false, talks = false;
  int bits = 0;
  unsigned long fell_us = 0, holds_from_us = 0, holds_until_us = 0;

  void update() {
    const bool driven = mode != INPUT && level == LOW;
    if (driven == low) return;
    low = driven;
    if (low) {
      fell_us = now_us;
      // Its bit is there for 15 us from the fall.
      if (talks && !(scratchpad[bits / 8] >> bits % 8 & 1)) holds_from_us = now_us, holds_until_us = now_us + 15;
      if (talks) bits++;
    } else if (now_us - fell_us >= 480) {
      holds_from_us = now_us + 30, holds_until_us = now_us + 100;
      talks = false, bits = 0;
    } else if (!talks) {
      byte = uint8_t(byte >> 1 | (now_us - fell_us <= 15 ? 0x80 : 0));
      if (++bits % 8 == 0 && byte == 0xBE) talks = true, bits = 0;
    }
  }
  bool holds() const { return low || (now_us >= holds_from_us && now_us < holds_until_us); }
} wire;

void pinMode(uint8_t pin, uint8_t mode) {
  // As long as the core for the ESP32 takes.
  now_us += 16;
  if (pin == wire.pin) {
    wire.mode = mode;
    wire.update();
  }
  if (mode == OUTPUT) printf("pin %d output\n", pin);
}
void digitalWrite(uint8_t pin, uint8_t level) {
  if (pin == wire.pin) {
    wire.level = level;
    wire.update();
    return;
  }
  printf("pin %d %d\n", pin, level);
}
int digitalRead(uint8_t pin) {
  if (pin == wire.pin) return wire.holds() ? LOW : HIGH;
  now_us += 2;
  return levels.count(pin) ? levels[pin] : LOW;
}
int analogRead(uint8_t pin) { return adc[pin]; }
void analogWrite(uint8_t pin, int value) { printf("duty %d %d\n", pin, value); }
void analogReadResolution(int) {}
unsigned long millis() { return now_us / 1000; }
unsigned long micros() { return now_us += 2; }
void delay(unsigned long milliseconds) { now_us += milliseconds * 1000; }
void delayMicroseconds(unsigned int microseconds) { now_us += microseconds; }
void interrupts() {}
void noInterrupts() {}

size_t Print::write(const uint8_t* data, size_t length) {
  for (size_t i = 0; i < length; i++) write(data[i]);
  return length;
}
size_t Print::print(const char* text) { return printf("%s", text); }
size_t Print::print(char character) { return printf("%c", character); }
size_t Print::print(double value, int decimals) { return printf("%.*f", decimals, value); }
size_t Print::println() { return printf("\n"); }
size_t Print::printf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = vprintf(format, arguments);
  va_end(arguments);
  return length;
}
void Print::flush() {}

size_t TwoWire::write(uint8_t) { return 1; }
size_t TwoWire::write(const uint8_t*, size_t length) { return length; }
int TwoWire::available() { return int(wire_bytes.size()); }
int TwoWire::peek() { return -1; }
int TwoWire::read() {
  const int byte = wire_bytes.front();
  wire_bytes.pop_front();
  return byte;
}
void TwoWire::beginTransmission(uint8_t address) { asked = address; }
uint8_t TwoWire::endTransmission(bool) { return devices.count(asked) ? 0 : 2; }
size_t TwoWire::requestFrom(uint8_t address, size_t length, bool) {
  std::deque<uint8_t>& answers = devices[address];
  if (answers.size() < length) return 0;
  wire_bytes.assign(answers.begin(), answers.begin() + length);
  answers.erase(answers.begin(), answers.begin() + length);
  return length;
}

SPISettings::SPISettings(uint32_t, uint8_t, uint8_t) {}

#if defined(ACCELERAPP_CORE_ESP32)
void analogSetAttenuation(adc_attenuation_t) {}
bool ledcAttach(uint8_t pin, uint32_t frequency_hz, uint8_t bits) {
  // The clock of the ESP32-C3, and its divider.
  const double divider = 40e6 / (double(frequency_hz) * (1UL << bits));
  return printf(divider >= 1 && divider < 1024 ? "pwm %d %u\n" : "no pwm %d %u\n", pin, frequency_hz) > 0;
}
bool ledcWrite(uint8_t pin, uint32_t duty) { return printf("duty %d %u\n", pin, duty) > 0; }
HardwareSerial::HardwareSerial(uint8_t) {}
void HardwareSerial::begin(unsigned long, uint32_t, int8_t rx, int8_t tx) {
  if (rx >= 0) printf("uart %d %d\n", rx, tx);
}
TwoWire::TwoWire(uint8_t) {}
bool TwoWire::begin(int sda, int scl, uint32_t frequency_hz) { return printf("i2c %d %d %u\n", sda, scl, frequency_hz) > 0; }
TwoWire Wire(0), Wire1(1);
HardwareSerial Serial(0), Serial1(1), Serial2(2);
SPIClass::SPIClass(uint8_t) {}
void SPIClass::begin(int8_t sck, int8_t miso, int8_t mosi, int8_t) { printf("spi %d %d %d\n", sck, miso, mosi); }
#else
void analogWriteFreq(uint32_t frequency_hz) { printf("pwm %u\n", frequency_hz); }
void analogWriteRange(uint32_t) {}
bool SerialUART::setRX(uint8_t pin) { return printf("rx %d\n", pin) > 0; }
bool SerialUART::setTX(uint8_t pin) { return printf("tx %d\n", pin) > 0; }
void SerialUART::begin(unsigned long) {}
void SerialUART::begin(unsigned long, uint16_t) {}
void SerialUART::end() {}
void SerialUSB::begin(unsigned long) {}
void SerialUSB::begin(unsigned long, uint16_t) {}
void SerialUSB::end() {}
void TwoWire::begin() {}
bool TwoWire::setSDA(uint8_t pin) { return printf("sda %d\n", pin) > 0; }
bool TwoWire::setSCL(uint8_t pin) { return printf("scl %d\n", pin) > 0; }
void TwoWire::setClock(uint32_t) {}
TwoWire Wire, Wire1;
SerialUSB Serial;
SerialUART Serial1, Serial2;
#endif
#if defined(ACCELERAPP_CORE_ESP32)
#define SPI_CLASS SPIClass
#else
#define SPI_CLASS SPIClassRP2040
#endif
void SPI_CLASS::beginTransaction(SPISettings) {}
void SPI_CLASS::endTransaction() {}
uint16_t SPI_CLASS::transfer16(uint16_t) { return uint16_t(spi_word); }
size_t HardwareSerial::write(uint8_t) { return 1; }
static std::deque<uint8_t> frames;
static unsigned long sent = 0;
int HardwareSerial::available() {
  // A byte each millisecond, from the beginning of each second on; what the full port has no room for is lost.
  for (; !frames.empty() && sent < millis(); sent++) {
    if (sent % 1000 < frames.size() && uart_bytes.size() < 31) uart_bytes.push_back(frames[sent % 1000]);
  }
  return int(uart_bytes.size());
}
int HardwareSerial::peek() { return -1; }
int HardwareSerial::read() {
  const int byte = uart_bytes.front();
  uart_bytes.pop_front();
  return byte;
}

static std::deque<uint8_t> bytes(const std::string& hex) {
  std::deque<uint8_t> found;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) found.push_back(uint8_t(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return found;
}

int main(int count, char** given) {
  unsigned long rounds = 1;
  for (int i = 1; i < count; i++) {
    const std::string argument = given[i];
    const std::string key = argument.substr(0, argument.find('=')), value = argument.substr(argument.find('=') + 1);
    const size_t colon = value.find(':');
    if (key == "adc") adc[std::stoi(value)] = std::stoi(value.substr(colon + 1));
    if (key == "high") levels[std::stoi(value)] = HIGH;
    if (key == "i2c") devices[std::stoi(value, nullptr, 16)] = bytes(value.substr(colon + 1));
    if (key == "spi") spi_word = std::stoi(value);
    if (key == "uart") uart_bytes = bytes(value);
    if (key == "frames") frames = bytes(value);
    if (key == "wire") wire.pin = std::stoi(value), wire.scratchpad = bytes(value.substr(colon + 1));
    if (key == "ms") rounds = std::stoul(value);
  }
  setup();
  printf("--\n");
  while (millis() < rounds) loop();
}
