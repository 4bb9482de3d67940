// Arduino's SPI library, as declarations alone: see Arduino.h.
#pragma once

#include <Arduino.h>

#define SPI_MODE0 0
#define SPI_MODE1 1
#define SPI_MODE2 2
#define SPI_MODE3 3

class SPISettings {
 public:
  SPISettings();
  SPISettings(uint32_t frequency_hz, uint8_t order, uint8_t mode);
};

#if defined(ACCELERAPP_CORE_ESP32)

#define FSPI 1
#define HSPI 2
#define VSPI 3

class SPIClass {
 public:
  explicit SPIClass(uint8_t bus = HSPI);
  void begin(int8_t sck = -1, int8_t miso = -1, int8_t mosi = -1, int8_t ss = -1);
  void end();
  void beginTransaction(SPISettings settings);
  void endTransaction();
  uint8_t transfer(uint8_t data);
  uint16_t transfer16(uint16_t data);
  void transfer(void* data, uint32_t length);
  void setFrequency(uint32_t frequency_hz);
};
extern SPIClass SPI;

#else

class SPIClassRP2040 {
 public:
  bool setSCK(uint8_t pin);
  bool setTX(uint8_t pin);
  bool setRX(uint8_t pin);
  bool setCS(uint8_t pin);
  void begin();
  void begin(bool hardware_cs);
  void end();
  void beginTransaction(SPISettings settings);
  void endTransaction();
  uint8_t transfer(uint8_t data);
  uint16_t transfer16(uint16_t data);
  void transfer(void* data, size_t length);
};
typedef SPIClassRP2040 SPIClass;
extern SPIClassRP2040 SPI;
extern SPIClassRP2040 SPI1;

#endif
