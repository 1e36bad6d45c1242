"""Finds names that clash where the files of a room are compiled as one.

With SHEAF_UNITY the anonymous namespaces of a room's files are one, and each file
sees all headers of its room: two things of one name clash there, and only there.
Functions of one name may take different things, and aliases may mean the same.
"""

import os
import re

OPENS = "namespace {"
CLOSES = "}  // namespace"
# Lines at the left margin that declare nothing.
NO_DECLARATION = re.compile(r"$|\s|//|#|[})]|public:|private:|namespace \w")
TYPE = re.compile(r"(?:struct|class|enum class|enum|union) (\w+)")
ALIAS = re.compile(r"using (\w+) = ([^;]*)")
NAME = re.compile(r"(\w+) ?(?:\[[^]]*\])* ?[(=;{]")
HEADER_TYPE = re.compile(
    r"(?:struct|class|enum class|enum|union) (\w+).*\{|using (\w+) =")
MAIN = re.compile(r"(.*_)?main\.cc")


def without_angles(text):
    before = None
    while text != before:
        before, text = text, re.sub(r"<[^<>]*>", "", text)
    return text


def parameters(text):
    """The types that a function takes, from what follows its name's "(". """
    depth, end = 1, 0
    while depth and end < len(text):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
    types = []
    for parameter in without_angles(text[: end - 1]).split(","):
        parameter = parameter.split("=")[0].strip()
        types.append(re.sub(r"(?<=[ &*])\w+$", "", parameter).strip())
    return tuple(types)


def meaning(declaration):
    """(name, what tells it from others of that name), or None."""
    plain = re.sub(r"\[\[.*?\]\]\s*|^template <.*?> ?(?=[a-z])", "", declaration)
    if match := TYPE.match(plain):
        return match[1], "type"
    if match := ALIAS.match(plain):
        return match[1], ("alias", match[2])
    if plain.startswith("using "):
        return None
    match = NAME.search(without_angles(plain))
    # A member that is defined outside its class is no name of the file.
    if match is None or match.string[: match.start()].endswith("::"):
        return None
    if match[0].endswith("("):
        after = plain.split(match[1] + "(", 1)
        if len(after) == 2:
            return match[1], ("function", parameters(after[1]))
    return match[1], "value"


def own_names(text):
    """(line, name, meaning) of what stands in a file's anonymous namespaces."""
    inside, begin, declaration = False, 0, ""
    for number, line in enumerate(text.split("\n"), 1):
        if line in (OPENS, CLOSES):
            inside, declaration = line == OPENS, ""
            continue
        if not inside or (not declaration and NO_DECLARATION.match(line)):
            continue
        if not declaration:
            begin = number
        declaration += ("" if not declaration else " ") + line.strip()
        if re.search(r"[{};]$", declaration):
            if found := meaning(declaration):
                yield begin, *found
            declaration = ""


def header_types(text):
    """Names of the types at the left margin of a header."""
    for line in text.split("\n"):
        if match := HEADER_TYPE.match(line):
            yield match[1] or match[2]


def homonyms(files):
    """(path, line, fault) for each name that an earlier file has, too.

    `files`: (path, text), in order.
    """
    rooms = {}  # (room, name) -> [(path, meaning)]
    for path, text in files:
        if path.endswith(".h"):
            for name in header_types(text):
                key = os.path.dirname(path), name
                rooms.setdefault(key, []).append((path, "type"))
    for path, text in files:
        room, file = os.path.split(path)
        if path.endswith(".h") or MAIN.fullmatch(file):
            continue
        for line, name, means in own_names(text):
            others = rooms.setdefault((room, name), [])
            for other, meant in others:
                if other != path and (
                    other.endswith(".h") or clashes(means, meant)
                ):
                    yield path, line, f"{name} is also in {other}"
                    break
            others.append((path, means))


def clashes(one, other):
    if one == other:
        return not (isinstance(one, tuple) and one[0] == "alias")
    return not (
        isinstance(one, tuple)
        and isinstance(other, tuple)
        and one[0] == other[0] == "function"
    )
