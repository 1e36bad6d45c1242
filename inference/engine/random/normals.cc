#include "inference/engine/random/normals.h"

#include <cmath>
#include <iomanip>
#include <locale>
#include <numbers>
#include <sstream>

#include "inference/engine/random/float_math.h"

namespace sheaf::engine {
namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;

// In [0, 1), from the low 24 bits.
float UniformFloat(std::mt19937* bits) {
  return static_cast<float>((*bits)() & 0xFFFFFF) * 0x1p-24f;
}

// In [0, 1), from the low 53 of 64 bits, the high word first.
double UniformDouble(std::mt19937* bits) {
  const uint64_t high = (*bits)();
  const uint64_t low = (*bits)();
  return static_cast<double>((high << 32 | low) & ((uint64_t{1} << 53) - 1)) *
         0x1p-53;
}

// Sixteen uniform numbers become normal: the first eight are radii, the others
// angles.
void FillSixteen(float* values) {
  for (int i = 0; i < 8; ++i) {
    const float radius = std::sqrt(-2.0f * VectorLog(1.0f - values[i]));
    const SineCosine angle =
        VectorSineCosine(static_cast<float>(kTwoPi) * values[i + 8]);
    values[i] = radius * angle.cosine;
    values[i + 8] = radius * angle.sine;
  }
}

}  // namespace

std::optional<RandomMode> RandomModeNamed(std::string_view name) {
  if (name == "cpu") return RandomMode::kCpu;
  if (name == "philox" || name == "nv" || name == "cuda") {
    return RandomMode::kPhilox;
  }
  return std::nullopt;
}

std::string_view NameOf(RandomMode mode) {
  return mode == RandomMode::kCpu ? "cpu" : "philox";
}

Normals::Normals(RandomMode mode, uint64_t seed) {
  if (mode == RandomMode::kPhilox) {
    state_ = Philox{seed, 0};
  } else {
    // The twister takes the seed's low word.
    state_ = Twister{std::mt19937(static_cast<uint32_t>(seed)), std::nullopt};
  }
}

std::vector<float> Normals::Draw(size_t count) {
  if (auto* philox = std::get_if<Philox>(&state_)) {
    return DrawPhilox(philox, count);
  }
  Twister& twister = std::get<Twister>(state_);
  return count < 16 ? DrawFew(&twister, count) : DrawMany(&twister, count);
}

std::string Normals::Save() const {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  if (const auto* philox = std::get_if<Philox>(&state_)) {
    text << "philox " << philox->seed << ' ' << philox->calls;
    return text.str();
  }
  const Twister& twister = std::get<Twister>(state_);
  text << "cpu " << twister.spare.has_value() << ' ' << std::setprecision(17)
       << twister.spare.value_or(0) << ' ' << twister.bits;
  return text.str();
}

std::optional<Normals> Normals::Restore(const std::string& saved) {
  std::istringstream text(saved);
  text.imbue(std::locale::classic());
  std::string mode;
  text >> mode;
  Normals normals(RandomMode::kCpu, 0);
  if (mode == "philox") {
    Philox philox;
    text >> philox.seed >> philox.calls;
    normals.state_ = philox;
  } else if (mode == "cpu") {
    bool has_spare = false;
    double spare = 0;
    Twister twister;
    text >> has_spare >> spare >> twister.bits;
    if (has_spare) twister.spare = spare;
    normals.state_ = twister;
  }
  const bool known = mode == "philox" || mode == "cpu";
  if (!known || text.fail() || !(text >> std::ws).eof()) return std::nullopt;
  return normals;
}

std::vector<float> Normals::DrawMany(Twister* twister, size_t count) {
  std::vector<float> values(count);
  for (float& value : values) value = UniformFloat(&twister->bits);
  size_t at = 0;
  for (; at + 16 <= count; at += 16) FillSixteen(&values[at]);
  if (at < count) {
    // The last sixteen numbers are drawn again, though some of them were ready.
    float* last = &values[count - 16];
    for (int i = 0; i < 16; ++i) last[i] = UniformFloat(&twister->bits);
    FillSixteen(last);
  }
  return values;
}

std::vector<float> Normals::DrawFew(Twister* twister, size_t count) {
  std::vector<float> values;
  for (size_t i = 0; i < count; ++i) {
    if (twister->spare.has_value()) {
      values.push_back(static_cast<float>(*twister->spare));
      twister->spare.reset();
      continue;
    }
    const double angle = kTwoPi * UniformDouble(&twister->bits);
    const double radius =
        std::sqrt(-2 * std::log1p(-UniformDouble(&twister->bits)));
    twister->spare = radius * std::sin(angle);
    values.push_back(static_cast<float>(radius * std::cos(angle)));
  }
  return values;
}

std::vector<float> Normals::DrawPhilox(Philox* philox, size_t count) {
  // The device's constants: 2^-32 and 2 pi 2^-32, with half a step added so
  // that no uniform number is 0.
  constexpr float kStep = 0x1p-32f;
  constexpr auto kAngleStep = static_cast<float>(kTwoPi * 0x1p-32);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    const PhiloxCounter random =
        Philox4x32({{philox->calls, 0, static_cast<uint32_t>(i),
                     static_cast<uint32_t>(uint64_t{i} >> 32)}},
                   philox->seed);
    const float uniform =
        static_cast<float>(random.words[0]) * kStep + kStep / 2;
    const float angle =
        static_cast<float>(random.words[1]) * kAngleStep + kAngleStep / 2;
    values[i] = std::sqrt(-2.0f * std::log(uniform)) * std::sin(angle);
  }
  ++philox->calls;
  return values;
}

PhiloxCounter Philox4x32(PhiloxCounter counter, uint64_t key) {
  auto key0 = static_cast<uint32_t>(key);
  auto key1 = static_cast<uint32_t>(key >> 32);
  uint32_t* w = counter.words;
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53} * w[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57} * w[2];
    const auto next0 = static_cast<uint32_t>(product1 >> 32) ^ w[1] ^ key0;
    const auto next2 = static_cast<uint32_t>(product0 >> 32) ^ w[3] ^ key1;
    counter = {{next0, static_cast<uint32_t>(product1), next2,
                static_cast<uint32_t>(product0)}};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return counter;
}

}  // namespace sheaf::engine
