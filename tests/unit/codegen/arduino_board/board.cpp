// A board played by a program: it runs a sketch's setup and loop, and prints what the sketch does to its pins.
// Sensors answer as far as the program's arguments say: `adc=PIN:RAW`, `high=PIN`, `i2c=ADDRESS:HEX…` (what a device answers,
// byte by byte, read after read), `spi=WORD`, `uart=HEX…`. Time goes on as the sketch waits.
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

void pinMode(uint8_t pin, uint8_t mode) {
  if (mode == OUTPUT) printf("pin %d output\n", pin);
}
void digitalWrite(uint8_t pin, uint8_t level) { printf("pin %d %d\n", pin, level); }
int digitalRead(uint8_t pin) {
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
bool ledcAttach(uint8_t pin, uint32_t frequency_hz, uint8_t) { return printf("pwm %d %u\n", pin, frequency_hz) > 0; }
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
void SerialUSB::begin(unsigned long) {}
void SerialUSB::begin(unsigned long, uint16_t) {}
void SerialUSB::end() {}
void TwoWire::begin() {}
bool TwoWire::setSDA(uint8_t pin) { return printf("sda %d\n", pin) > 0; }
bool TwoWire::setSCL(uint8_t pin) { return printf("scl %d\n", pin) > 0; }
void TwoWire::setClock(uint32_t) {}
TwoWire Wire, Wire1;
SerialUSB Serial;
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
int HardwareSerial::available() { return int(uart_bytes.size()); }
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
    if (key == "ms") rounds = std::stoul(value);
  }
  setup();
  printf("--\n");
  while (millis() < rounds) loop();
}
