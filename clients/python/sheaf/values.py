"""Python's words for values of the wire: names, enums, durations, settings."""

from __future__ import annotations

import datetime
import uuid
from typing import Any, Mapping, TypedDict, TypeVar, Union

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

# A length of time; a plain number counts seconds.
Seconds = Union[float, datetime.timedelta]
# A value of an enum: its number, its name ("BATCHING_MODE_MIXED"), or the end
# of that in any case ("mixed").
Word = Union[str, int]

_Message = TypeVar("_Message", bound=Message)


class Settings(TypedDict, total=False):
    """Settings of a queue (QueueSettings in queue_service.proto says more).

    Zero is the default where it can mean nothing else, "no limit" otherwise.
    """

    batch_size: int  # Most runs in one batch.
    attempts_max: int  # Attempts a run may spend.
    runs_max: int  # Most unfinished runs; 0: no limit.
    keep_succeeded: Seconds  # How long ended jobs are kept; 0: for ever.
    keep_failed: Seconds
    keep_cancelled: Seconds
    policy: Word  # "off", "adaptive", "economic" or "auto".
    batch_min: int  # Adaptive: fewer runs wait as long as they may.
    wait_max: Seconds  # Longest that a run waits for company.
    threshold: int  # Waiting runs at which plans are made ("auto").
    gain_min_percent: int  # Auto: plans that gain less are not executed.
    twins: bool  # Equal runs of an owner share one picture.
    preempt_from: Word  # "urgent": such runs take the place of lower ones.
    run_duration_max: Seconds  # Longest attempt; 0: no limit.
    wait_min: Seconds  # Adaptive: shortest that a batch waits for company.
    # How far plans may go, unless an analysis says otherwise (see Planning).
    harm_max: Seconds
    waiting_percent: int
    knee_percent: int
    across_priorities: bool


class Planning(TypedDict, total=False):
    """How far a plan may go. What is left out is as the queue is set."""

    harm_max: Seconds  # No run may end later than without the plan by more.
    waiting_percent: int  # The worth of waiting, in hundredths of device time.
    knee_percent: int  # A batch ends that near to the best time for each run.
    across_priorities: bool  # Lower priorities may fill batches of higher ones.


def new_id() -> str:
    """A request id that nobody has used."""
    return str(uuid.uuid4())


def name_of(named: Any) -> str:
    """The name of a message, or `named` itself if it is a name."""
    return named if isinstance(named, str) else named.name


def name_in(collection: str, named: Any) -> str:
    """The name in full: "default" in "queues" is "queues/default"."""
    name = name_of(named)
    return name if "/" in name else f"{collection}/{name}"


def enum(descriptor: Any, word: Word) -> Any:
    """The number of `word` in an enum, for a field of that enum. ValueError
    lists the words it takes."""
    if isinstance(word, int):
        return word
    names = descriptor.values_by_name
    prefix = descriptor.values[0].name[: -len("UNSPECIFIED")]
    name = word.upper().replace("-", "_")
    for each in (name, prefix + name):
        if each in names:
            return names[each].number
    words = [value.name[len(prefix) :].lower() for value in descriptor.values]
    raise ValueError(f"{word!r} is none of {', '.join(words[1:])}")


def duration(time: Seconds) -> Duration:
    """A length of time as a message of the wire."""
    if not isinstance(time, datetime.timedelta):
        time = datetime.timedelta(seconds=time)
    result = Duration()
    result.FromTimedelta(time)
    return result


def fill(message: _Message, values: Mapping[str, Any]) -> _Message:
    """`message` with `values` as its fields, each in Python's words."""
    fields = message.DESCRIPTOR.fields_by_name
    for name, value in values.items():
        field = fields.get(name)
        if field is None:
            known = ", ".join(sorted(fields))
            raise TypeError(f"{name!r} is none of {known}")
        if field.message_type is not None:
            getattr(message, name).CopyFrom(duration(value))
        elif field.enum_type is not None:
            try:
                setattr(message, name, enum(field.enum_type, value))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        else:
            setattr(message, name, value)
    return message
