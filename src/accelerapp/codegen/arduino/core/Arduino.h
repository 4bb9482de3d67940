// The part of Arduino's core that generated sketches may use, as declarations alone: enough for a compiler to check
// them where no core is installed. Names and types are those of Arduino's reference; of what differs between the cores
// for ESP32 and RP2040, the one of ACCELERAPP_CORE_ESP32 or ACCELERAPP_CORE_RP2040 is there.
#pragma once

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// C's own, where the C++ library would bring templates that take ten times as long to read.
#define _GLIBCXX_INCLUDE_NEXT_C_HEADERS
#include <math.h>
#include <stdlib.h>
#undef _GLIBCXX_INCLUDE_NEXT_C_HEADERS

typedef bool boolean;
typedef uint8_t byte;
typedef uint16_t word;

#define HIGH 0x1
#define LOW 0x0
#define INPUT 0x01
#define OUTPUT 0x03
#define INPUT_PULLUP 0x05
#define INPUT_PULLDOWN 0x09
#define CHANGE 1
#define FALLING 2
#define RISING 3
#define LSBFIRST 0
#define MSBFIRST 1
#define DEC 10
#define HEX 16
#define OCT 8
#define BIN 2
#define PI 3.1415926535897932384626433832795
#define SERIAL_8N1 0x800001c
#define F(text) (text)
#define PROGMEM
#define bitRead(value, bit) (((value) >> (bit)) & 0x01)
#define bitSet(value, bit) ((value) |= (1UL << (bit)))
#define bitClear(value, bit) ((value) &= ~(1UL << (bit)))
#define bitWrite(value, bit, on) ((on) ? bitSet(value, bit) : bitClear(value, bit))
#define lowByte(w) ((uint8_t)((w) & 0xff))
#define highByte(w) ((uint8_t)((w) >> 8))
#define constrain(x, low, high) ((x) < (low) ? (low) : ((x) > (high) ? (high) : (x)))

template <class T>
constexpr T abs(T x) {
  return x < 0 ? -x : x;
}
template <class A, class B>
constexpr auto min(A a, B b) -> decltype(a < b ? a : b) {
  return a < b ? a : b;
}
template <class A, class B>
constexpr auto max(A a, B b) -> decltype(a > b ? a : b) {
  return a > b ? a : b;
}

void setup();
void loop();

void pinMode(uint8_t pin, uint8_t mode);
void digitalWrite(uint8_t pin, uint8_t level);
int digitalRead(uint8_t pin);
int analogRead(uint8_t pin);
void analogWrite(uint8_t pin, int value);
void analogReadResolution(int bits);
unsigned long millis();
unsigned long micros();
void delay(unsigned long milliseconds);
void delayMicroseconds(unsigned int microseconds);
void yield();
unsigned long pulseIn(uint8_t pin, uint8_t level, unsigned long timeout_us = 1000000UL);
uint8_t shiftIn(uint8_t data_pin, uint8_t clock_pin, uint8_t order);
void shiftOut(uint8_t data_pin, uint8_t clock_pin, uint8_t order, uint8_t value);
void tone(uint8_t pin, unsigned int frequency_hz, unsigned long duration_ms = 0);
void noTone(uint8_t pin);
void interrupts();
void noInterrupts();
void attachInterrupt(uint8_t interrupt, void (*handler)(), int mode);
void detachInterrupt(uint8_t interrupt);
uint8_t digitalPinToInterrupt(uint8_t pin);
long random(long below);
long random(long from, long below);
void randomSeed(unsigned long seed);
long map(long value, long from_low, long from_high, long to_low, long to_high);

class String {
 public:
  String(const char* text = "");
  String(const String& other);
  explicit String(char character);
  explicit String(int value, unsigned char base = 10);
  explicit String(unsigned int value, unsigned char base = 10);
  explicit String(long value, unsigned char base = 10);
  explicit String(unsigned long value, unsigned char base = 10);
  explicit String(float value, unsigned int decimals = 2);
  explicit String(double value, unsigned int decimals = 2);
  ~String();
  String& operator=(const String& other);
  String& operator+=(const String& other);
  String& operator+=(const char* other);
  String& operator+=(char other);
  bool operator==(const String& other) const;
  bool operator!=(const String& other) const;
  char operator[](unsigned int index) const;
  char& operator[](unsigned int index);
  unsigned int length() const;
  const char* c_str() const;
  bool reserve(unsigned int size);
  int indexOf(char character, unsigned int from = 0) const;
  int indexOf(const String& text, unsigned int from = 0) const;
  bool startsWith(const String& prefix) const;
  bool endsWith(const String& suffix) const;
  String substring(unsigned int from) const;
  String substring(unsigned int from, unsigned int to) const;
  void trim();
  void toLowerCase();
  void toUpperCase();
  long toInt() const;
  float toFloat() const;
};
String operator+(const String& left, const String& right);
String operator+(const String& left, const char* right);
String operator+(const char* left, const String& right);

class Print {
 public:
  virtual size_t write(uint8_t byte) = 0;
  virtual size_t write(const uint8_t* data, size_t length);
  size_t write(const char* text);
  size_t print(const char* text);
  size_t print(const String& text);
  size_t print(char character);
  size_t print(unsigned char value, int base = DEC);
  size_t print(int value, int base = DEC);
  size_t print(unsigned int value, int base = DEC);
  size_t print(long value, int base = DEC);
  size_t print(unsigned long value, int base = DEC);
  size_t print(long long value, int base = DEC);
  size_t print(unsigned long long value, int base = DEC);
  size_t print(double value, int decimals = 2);
  size_t println();
  template <class T>
  size_t println(T value) {
    return print(value) + println();
  }
  template <class T>
  size_t println(T value, int format) {
    return print(value, format) + println();
  }
  size_t printf(const char* format, ...) __attribute__((format(printf, 2, 3)));
  virtual void flush();
};

class Stream : public Print {
 public:
  virtual int available() = 0;
  virtual int read() = 0;
  virtual int peek() = 0;
  void setTimeout(unsigned long milliseconds);
  size_t readBytes(char* buffer, size_t length);
  size_t readBytes(uint8_t* buffer, size_t length);
  String readString();
  String readStringUntil(char terminator);
  long parseInt();
  float parseFloat();
};

#if defined(ACCELERAPP_CORE_ESP32)

#define OUTPUT_OPEN_DRAIN 0x13

typedef enum { ADC_0db, ADC_2_5db, ADC_6db, ADC_11db } adc_attenuation_t;
void analogSetAttenuation(adc_attenuation_t attenuation);
void analogSetPinAttenuation(uint8_t pin, adc_attenuation_t attenuation);
uint32_t analogReadMilliVolts(uint8_t pin);
bool ledcAttach(uint8_t pin, uint32_t frequency_hz, uint8_t resolution_bits);
bool ledcWrite(uint8_t pin, uint32_t duty);
bool ledcDetach(uint8_t pin);

class HardwareSerial : public Stream {
 public:
  explicit HardwareSerial(uint8_t number);
  void begin(unsigned long baud, uint32_t config = SERIAL_8N1, int8_t rx_pin = -1, int8_t tx_pin = -1);
  void end();
  size_t write(uint8_t byte) override;
  int available() override;
  int read() override;
  int peek() override;
  explicit operator bool() const;
  using Print::write;
};
extern HardwareSerial Serial;
extern HardwareSerial Serial1;
extern HardwareSerial Serial2;

#elif defined(ACCELERAPP_CORE_RP2040)

void analogWriteFreq(uint32_t frequency_hz);
void analogWriteRange(uint32_t range);
void analogWriteResolution(int bits);
#define LED_BUILTIN 25

class HardwareSerial : public Stream {
 public:
  virtual void begin(unsigned long baud) = 0;
  virtual void begin(unsigned long baud, uint16_t config) = 0;
  virtual void end() = 0;
  size_t write(uint8_t byte) override;
  int available() override;
  int read() override;
  int peek() override;
  using Print::write;
};

class SerialUSB : public HardwareSerial {
 public:
  void begin(unsigned long baud = 115200) override;
  void begin(unsigned long baud, uint16_t config) override;
  void end() override;
  explicit operator bool() const;
};

class SerialUART : public HardwareSerial {
 public:
  bool setRX(uint8_t pin);
  bool setTX(uint8_t pin);
  void begin(unsigned long baud = 115200) override;
  void begin(unsigned long baud, uint16_t config) override;
  void end() override;
};
extern SerialUSB Serial;
extern SerialUART Serial1;
extern SerialUART Serial2;

#endif
