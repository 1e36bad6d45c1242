// The part of server/wire/convert.h that is about a run's request.
//
// A submit converts 100,000 of them, so that fields are reached by generated
// accessors and not by reflection. The compiler holds the list of names here to
// the table of fields.
#include <type_traits>
#include <utility>

#include "queue/run_fields.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

constexpr char kArtifacts[] = "artifacts/";

// The accessors of the field of RunRequest that goes with a member.
template <auto kMember>
struct Theirs;

#define SHEAF_FIELD(field)                                                     \
  template <>                                                                  \
  struct Theirs<&RunParams::field> {                                           \
    static constexpr std::string_view kName = #field;                          \
    template <class Message>                                                   \
    static bool Has(const Message& in) {                                       \
      if constexpr (requires { in.has_##field(); }) {                          \
        return in.has_##field();                                               \
      } else {                                                                 \
        return in.field() != 0; /* an enum */                                  \
      }                                                                        \
    }                                                                          \
    static decltype(auto) Get(const pb::RunRequest& in) { return in.field(); } \
    template <class Message, class Value>                                      \
    static void Set(const Value& value, Message* out) {                        \
      if constexpr (std::is_same_v<Value, std::string>) {                      \
        out->set_##field(value);                                               \
      } else {                                                                 \
        using Type = decltype(out->field());                                   \
        out->set_##field(static_cast<Type>(value));                            \
      }                                                                        \
    }                                                                          \
    template <class Message>                                                   \
    static auto* Mutable(Message* out) {                                       \
      return out->mutable_##field();                                           \
    }                                                                          \
  };
SHEAF_FIELD(prompt)
SHEAF_FIELD(negative_prompt)
SHEAF_FIELD(seed)
SHEAF_FIELD(steps)
SHEAF_FIELD(guidance)
SHEAF_FIELD(sampler)
SHEAF_FIELD(width)
SHEAF_FIELD(height)
SHEAF_FIELD(model)
SHEAF_FIELD(vae)
SHEAF_FIELD(init_image)
SHEAF_FIELD(mask)
SHEAF_FIELD(strength)
SHEAF_FIELD(clip_skip)
SHEAF_FIELD(prompt_chunks)
SHEAF_FIELD(emphasis)
SHEAF_FIELD(guess_mode)
SHEAF_FIELD(eta)
SHEAF_FIELD(guidance_rescale)
SHEAF_FIELD(image_guidance)
SHEAF_FIELD(random)
SHEAF_FIELD(prompt_2)
SHEAF_FIELD(negative_prompt_2)
SHEAF_FIELD(original_width)
SHEAF_FIELD(original_height)
SHEAF_FIELD(crop_left)
SHEAF_FIELD(crop_top)
SHEAF_FIELD(target_width)
SHEAF_FIELD(target_height)
SHEAF_FIELD(refiner)
SHEAF_FIELD(refiner_start)
SHEAF_FIELD(images)
SHEAF_FIELD(controls)
SHEAF_FIELD(weights)
SHEAF_FIELD(loras)
SHEAF_FIELD(extra)
#undef SHEAF_FIELD

void Read(const pb::Control& in, Control* out) {
  out->type = in.type();
  if (in.has_weight()) out->weight = in.weight();
  out->image = LastPart(in.image());
  if (in.has_start()) out->start = in.start();
  if (in.has_end()) out->end = in.end();
  out->preprocess = in.preprocess();
}
void Read(const pb::Lora& in, Lora* out) {
  out->name = in.name();
  if (in.has_weight()) out->weight = in.weight();
}

void Write(const Control& control, pb::Control* out) {
  out->set_type(control.type);
  if (control.weight) out->set_weight(*control.weight);
  if (!control.image.empty()) out->set_image(ArtifactName(control.image));
  if (control.start) out->set_start(*control.start);
  if (control.end) out->set_end(*control.end);
  if (!control.preprocess.empty()) out->set_preprocess(control.preprocess);
}
void Write(const Lora& lora, pb::Lora* out) {
  out->set_name(lora.name);
  if (lora.weight) out->set_weight(*lora.weight);
}

template <class Item, class List>
void ReadMany(const List& in, std::vector<Item>* out) {
  for (const auto& item : in) Read(item, &out->emplace_back());
}
template <class Value, class Map>
void ReadMany(const Map& in, std::map<std::string, Value>* out) {
  for (const auto& [key, value] : in) (*out)[key] = value;
}

template <class Item, class List>
void WriteMany(const std::vector<Item>& mine, List* out) {
  for (const Item& item : mine) Write(item, out->Add());
}
template <class Value, class Map>
void WriteMany(const std::map<std::string, Value>& mine, Map* out) {
  for (const auto& [key, value] : mine) (*out)[key] = value;
}

template <size_t kPlace>
void ReadField(const pb::RunRequest& in, RunParams* out) {
  constexpr const auto& field = std::get<kPlace>(kRunFields);
  using Wire = Theirs<field.member>;
  static_assert(Wire::kName == field.name);
  auto& mine = out->*field.member;
  using Mine = std::remove_reference_t<decltype(mine)>;
  if constexpr (!kIsSingle<Mine> && field.trait == FieldTrait::kArtifact) {
    for (const std::string& name : Wire::Get(in)) {
      mine.push_back(LastPart(name));
    }
  } else if constexpr (!kIsSingle<Mine>) {
    ReadMany(Wire::Get(in), &mine);
  } else if (Wire::Has(in)) {
    if constexpr (field.trait == FieldTrait::kArtifact) {
      mine = LastPart(Wire::Get(in));
    } else if constexpr (std::is_enum_v<typename Mine::value_type>) {
      mine = static_cast<typename Mine::value_type>(Wire::Get(in));
    } else {
      mine = Wire::Get(in);
    }
  }
}

template <size_t kPlace>
void WriteField(const RunParams& params, pb::RunRequest* out) {
  constexpr const auto& field = std::get<kPlace>(kRunFields);
  using Wire = Theirs<field.member>;
  const auto& mine = params.*field.member;
  using Mine = std::remove_cvref_t<decltype(mine)>;
  if constexpr (!kIsSingle<Mine> && field.trait == FieldTrait::kArtifact) {
    for (const std::string& digest : mine) {
      *Wire::Mutable(out)->Add() = ArtifactName(digest);
    }
  } else if constexpr (!kIsSingle<Mine>) {
    if (!mine.empty()) WriteMany(mine, Wire::Mutable(out));
  } else if (mine) {
    if constexpr (field.trait == FieldTrait::kArtifact) {
      Wire::Set(ArtifactName(*mine), out);
    } else {
      Wire::Set(*mine, out);
    }
  }
}

using Places =
    std::make_index_sequence<std::tuple_size_v<decltype(kRunFields)>>;

}  // namespace

std::string ArtifactName(const std::string& digest) {
  return kArtifacts + digest;
}

RunParams FromProto(const pb::RunRequest& in) {
  RunParams out;
  [&]<size_t... kPlace>(std::index_sequence<kPlace...>) {
    (ReadField<kPlace>(in, &out), ...);
  }
  (Places());
  return out;
}

void ToProto(const RunParams& params, pb::RunRequest* out) {
  [&]<size_t... kPlace>(std::index_sequence<kPlace...>) {
    (WriteField<kPlace>(params, out), ...);
  }
  (Places());
}

}  // namespace sheaf::server
