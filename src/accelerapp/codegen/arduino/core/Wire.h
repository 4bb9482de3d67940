// Arduino's I2C library, as declarations alone: see Arduino.h.
#pragma once

#include <Arduino.h>

class TwoWire : public Stream {
 public:
#if defined(ACCELERAPP_CORE_ESP32)
  explicit TwoWire(uint8_t bus);
  bool begin();
  bool begin(int sda, int scl, uint32_t frequency_hz = 0);
  bool setPins(int sda, int scl);
  bool setClock(uint32_t frequency_hz);
#else
  void begin();
  bool setSDA(uint8_t pin);
  bool setSCL(uint8_t pin);
  void setClock(uint32_t frequency_hz);
#endif
  void end();
  void beginTransmission(uint8_t address);
  uint8_t endTransmission(bool stop = true);
  size_t requestFrom(uint8_t address, size_t length, bool stop = true);
  size_t write(uint8_t byte) override;
  size_t write(const uint8_t* data, size_t length) override;
  int available() override;
  int read() override;
  int peek() override;
  using Print::write;
};
extern TwoWire Wire;
extern TwoWire Wire1;
