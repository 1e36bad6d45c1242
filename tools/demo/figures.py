"""The arithmetic of ./demo, from what `sheaf --output json` printed.

    figures.py better PLAN.json PLAN.json     the name of the cheaper plan
    figures.py report PLAN.json BATCHED SINGLES
                                              predicted and measured figures
    figures.py left JOBS.json SECONDS NAME... how many pictures of these jobs
                                              are made after so many seconds

BATCHED and SINGLES hold `sheaf job get NAME --runs` of each job, one after the
other, in the same order. It needs only Python.
"""

import datetime
import json
import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "progress"))
from progress import about  # noqa: E402


def documents(path):
    """The JSON documents of a file, however they are laid out."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    decoder, found = json.JSONDecoder(), []
    while text.strip():
        text = text.lstrip()
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def plan_of(path):
    (document,) = documents(path)
    return document.get("plan", document)


def seconds(text):
    """ "1.250s" on the wire."""
    return float(text.rstrip("s"))


def moment(text):
    """RFC 3339, with as many digits of a second as it likes, as seconds."""
    day, _, fraction = text.rstrip("Z").partition(".")
    whole = datetime.datetime.strptime(day, "%Y-%m-%dT%H:%M:%S")
    return whole.replace(tzinfo=datetime.timezone.utc).timestamp() + float(
        "0." + (fraction or "0"))


def runs_of(path):
    return [run for each in documents(path) for run in each.get("runs", [])]


def span(runs):
    """From the first start to the last end."""
    return (max(moment(run["endTime"]) for run in runs)
            - min(moment(run["startTime"]) for run in runs))


def pictures(run):
    return [output["artifact"] for output in run.get("outputs", [])]


def cost(plan):
    return seconds(plan["predicted"]["time"])


def better(paths):
    return min((plan_of(path) for path in paths), key=cost)["name"]


def left(path, taken, names):
    """How many runs of the jobs of these names have ended, and when the others
    will have."""
    (listing,) = documents(path)
    jobs = [job for job in listing.get("jobs", []) if job["name"] in names]
    runs = sum(job["runCount"] for job in jobs)
    ended = sum(
        job.get("runCounts", {}).get(state, 0)
        for job in jobs for state in ("succeeded", "failed", "cancelled"))
    text = f"{ended} of {runs} pictures"
    if ended:
        text += f", {about(taken * (runs - ended) / ended)} left"
    return text


def predicted_line(plan):
    predicted = plan["predicted"]
    if "low" in predicted and "high" in predicted:
        return (f"{cost(plan):.2f} s, between {seconds(predicted['low']):.2f} "
                f"and {seconds(predicted['high']):.2f} s")
    return f"{cost(plan):.2f} s, uncalibrated: by {plan['profile']}"


def report(plan, batched, singles):
    """Lines for people. `batched` and `singles` are runs that belong together
    one by one."""
    together, alone = span(batched), span(singles)
    same = sum(pictures(a) == pictures(b) != []
               for a, b in zip(batched, singles))
    lines = [("predicted", predicted_line(plan))]
    if "measuredActual" in plan:
        counts = "{measuredBatchCount} of {batchCount}".format(**plan)
        took = seconds(plan["measuredActual"])
        lines.append(("its batches took", f"{took:.2f} s, {counts} as planned"))
    lines += [
        ("first start to last end", f"{together:.2f} s"),
        ("one by one", f"{alone:.2f} s, the same runs by the same worker, "
                       "right after"),
        ("speedup", f"{alone / together:.2f}x measured, "
                    f"{seconds(plan['singles']) / cost(plan):.2f}x predicted"),
        ("same pictures", f"{same} of {len(batched)}, byte for byte"),
    ]
    return "\n".join(f"  {name + ':':<25}{text}" for name, text in lines)


def main(words):
    if len(words) > 1 and words[0] == "better":
        print(better(words[1:]))
    elif len(words) == 4 and words[0] == "report":
        print(report(plan_of(words[1]), runs_of(words[2]), runs_of(words[3])))
    elif len(words) > 3 and words[0] == "left":
        print(left(words[1], float(words[2]), words[3:]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
