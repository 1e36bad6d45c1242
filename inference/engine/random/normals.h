// Normal numbers from a seed: the streams that PyTorch draws on a CPU and on
// CUDA, number for number, so that a seed means the same picture here as there.
// Each row of a batch has a generator of its own; its numbers do not depend on
// its neighbours.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sheaf::engine {

enum class RandomMode {
  // The stream of torch.Generator("cpu"): a Mersenne twister.
  kCpu,
  // The stream of CUDA generators ("nv" in web interfaces): Philox, one counter
  // per element. Equal to CUDA's for tensors that one launch covers with a
  // thread per element (SM count times 2048: about 160000 on small cards).
  kPhilox,
};

// "cpu", "philox"; also "nv" and "cuda", which mean the latter.
std::optional<RandomMode> RandomModeNamed(std::string_view name);
std::string_view NameOf(RandomMode mode);

// Copyable: a copy goes on as the original would. One thread at a time.
class Normals {
 public:
  Normals(RandomMode mode, uint64_t seed);

  // The numbers that one torch.randn of that many elements would give, in its
  // order. As in torch, they depend on how the stream is cut into calls.
  std::vector<float> Draw(size_t count);

  // Save() returns the position of the stream as a line of text. Restore()
  // returns a stream that goes on from there; none for a text that Save() did
  // not write.
  std::string Save() const;
  static std::optional<Normals> Restore(const std::string& saved);

 private:
  // A 32-bit twister. Fewer than 16 numbers are drawn in double, in pairs, of
  // which the second is kept for the next call.
  struct Twister {
    std::mt19937 bits;
    std::optional<double> spare;
  };
  struct Philox {
    uint64_t seed = 0;
    uint32_t calls = 0;
  };

  static std::vector<float> DrawMany(Twister* twister, size_t count);
  static std::vector<float> DrawFew(Twister* twister, size_t count);
  static std::vector<float> DrawPhilox(Philox* philox, size_t count);

  std::variant<Twister, Philox> state_;
};

// Ten rounds of Philox 4x32: four words from a counter and a key.
struct PhiloxCounter {
  uint32_t words[4];
};
PhiloxCounter Philox4x32(PhiloxCounter counter, uint64_t key);

}  // namespace sheaf::engine
