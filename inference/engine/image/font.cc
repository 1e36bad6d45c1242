#include "inference/engine/image/font.h"

namespace sheaf::engine {
namespace {

// Eight rows a character, from ' ' to '~'; a row is a digit to the base of 32.
constexpr char kRows[] =
    "0000000044444040aa000000aavavaa04fke5u40op248j30cik8lid044000000"
    "248884208422248004lel400044v440000000c48000v000000000cc001248g00"
    "ehjlphe04c4444e0eh1248v0v2421he026aiv220vgu11he068guhhe0v1248880"
    "ehhehhe0ehhf12c00cc0cc000cc0c480248g842000v0v00084212480eh124040"
    "ehnlnge0ehhvhhh0uhhuhhu0ehggghe0sihhhis0vgguggv0vgguggg0ehgnhhf0"
    "hhhvhhh0e44444e072222ic0hikokih0ggggggv0hrllhhh0hhpljhh0ehhhhhe0"
    "uhhuggg0ehhhlid0uhhukih0fgge11u0v4444440hhhhhhe0hhhhha40hhhllla0"
    "hha4ahh0hhha4440v1248gv0e88888e00g842100e22222e04ah000000000000v"
    "8400000000e1fhf0gguhhhu000fgggf011fhhhf000ehvge068s8888000fhhf1e"
    "gguhhhh040c444e0206222icggikoki0c44444e000qllll000uhhhh000ehhhe0"
    "00uhhugg00fhhf1100mpggg000fge1u088s8886000hhhhf000hhha4000hhlla0"
    "00ha4ah000hhhf1e00v248v0244844204444444084424480008l2000";
static_assert(sizeof(kRows) == ('~' - ' ' + 1) * kGlyphHeight + 1);

constexpr uint8_t Digit(char digit) {
  return static_cast<uint8_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

}  // namespace

std::array<uint8_t, kGlyphHeight> GlyphRows(char character) {
  if (character < ' ' || character > '~') character = '?';
  const char* const first = kRows + (character - ' ') * kGlyphHeight;
  std::array<uint8_t, kGlyphHeight> rows;
  for (int row = 0; row < kGlyphHeight; ++row) rows[row] = Digit(first[row]);
  return rows;
}

}  // namespace sheaf::engine
