"""Submits that must be refused, as a table: what, the request, the reason, and
the field at fault where one is."""

import math

from wire import from_now, pb

NAN, INF = math.nan, math.inf
NO_ARTIFACT = "artifacts/" + "0" * 64


def submit(runs=1, request_id="", **fields):
    """A SubmitJobRequest; `fields` of JobSpec win over good values."""
    fields.setdefault("queue", "queues/default")
    if isinstance(runs, int):
        runs = [{"seed": seed} for seed in range(runs)]
    return pb.SubmitJobRequest(
        request_id=request_id,
        job=pb.JobSpec(runs=[pb.RunRequest(**run) for run in runs], **fields),
    )


def one(**run):
    return submit(runs=[run])


def sweep(*axes, mode=0, **fields):
    return submit(
        runs=[],
        sweep=pb.Sweep(
            mode=mode, axes=[pb.SweepAxis(**axis) for axis in axes]
        ),
        **fields,
    )


BAD_SUBMITS = [
    ("no job", pb.SubmitJobRequest(), "INVALID_FIELD", "job"),
    ("unknown queue", submit(queue="queues/nowhere"), "QUEUE_NOT_FOUND", None),
    ("a queue that is no name", submit(queue="default"), "INVALID_FIELD",
     "job.queue"),
    ("a queue with a path", submit(queue="queues/../x"), "INVALID_FIELD",
     "job.queue"),
    ("a kind in capitals", submit(kind="Inference"), "INVALID_FIELD",
     "job.kind"),
    ("an owner with a line break", submit(owner="a\nb"), "INVALID_FIELD",
     "job.owner"),
    ("a huge owner", submit(owner="x" * 129), "INVALID_FIELD", "job.owner"),
    ("a strange request_id", submit(request_id="a b"), "INVALID_FIELD",
     "request_id"),
    ("a huge request_id", submit(request_id="x" * 129), "INVALID_FIELD",
     "request_id"),
    ("negative attempts", submit(attempts_max=-1), "INVALID_FIELD",
     "job.attempts_max"),
    ("too many attempts", submit(attempts_max=101), "INVALID_FIELD",
     "job.attempts_max"),
    ("an unknown priority", submit(priority=77), "INVALID_FIELD",
     "job.priority"),
    ("labels in capitals", submit(labels={"A": "b"}), "INVALID_FIELD",
     'job.labels["A"]'),
    ("too many labels", submit(labels={f"l{i}": "" for i in range(65)}),
     "INVALID_FIELD", "job.labels"),
    ("a deadline in the past", submit(start_deadline=from_now(-5)),
     "INVALID_FIELD", "job.start_deadline"),
    ("a deadline before the run_time",
     submit(run_time=from_now(60), start_deadline=from_now(30)),
     "INVALID_FIELD", "job.start_deadline"),
    ("a huge prompt", one(prompt="x" * 65537), "INVALID_FIELD",
     "job.runs[0].prompt"),
    ("a negative seed", one(seed=-1), "INVALID_FIELD", "job.runs[0].seed"),
    ("no steps", one(steps=0), "INVALID_FIELD", "job.runs[0].steps"),
    ("negative steps", one(steps=-3), "INVALID_FIELD", "job.runs[0].steps"),
    ("a negative width", one(width=-8), "INVALID_FIELD", "job.runs[0].width"),
    ("a huge height", one(height=1 << 30), "INVALID_FIELD",
     "job.runs[0].height"),
    ("NaN guidance", one(guidance=NAN), "INVALID_FIELD",
     "job.runs[0].guidance"),
    ("infinite strength", one(strength=INF), "INVALID_FIELD",
     "job.runs[0].strength"),
    ("a clip_skip below zero", one(clip_skip=-1), "INVALID_FIELD",
     "job.runs[0].clip_skip"),
    ("no prompt chunk", one(prompt_chunks=0), "INVALID_FIELD",
     "job.runs[0].prompt_chunks"),
    ("too much eta", one(eta=1.5), "INVALID_FIELD", "job.runs[0].eta"),
    ("a random mode that is none", one(random=9), "INVALID_FIELD",
     "job.runs[0].random"),
    ("a NaN weight", one(weights={"depth": NAN}), "INVALID_FIELD",
     'job.runs[0].weights["depth"]'),
    ("an infinite weight", one(weights={"depth": -INF}), "INVALID_FIELD",
     'job.runs[0].weights["depth"]'),
    ("a weight of nothing", one(weights={"": 1}), "INVALID_FIELD",
     'job.runs[0].weights[""]'),
    ("a control without a type", one(controls=[pb.Control()]),
     "INVALID_FIELD", "job.runs[0].controls[0].type"),
    ("a control named twice", one(controls=[pb.Control(type="a")] * 2),
     "INVALID_FIELD", "job.runs[0].controls[1].type"),
    ("a control that ends before it starts",
     one(controls=[pb.Control(type="a", start=0.9, end=0.1)]),
     "INVALID_FIELD", "job.runs[0].controls[0].start"),
    ("a model that is a path", one(model="../../etc/passwd"),
     "INVALID_FIELD", "job.runs[0].model"),
    ("an absolute model", one(model="/etc/passwd"), "INVALID_FIELD",
     "job.runs[0].model"),
    ("a vae with a NUL", one(vae="a\0b"), "INVALID_FIELD", "job.runs[0].vae"),
    ("a LoRA that is a path", one(loras=[pb.Lora(name="a/b")]),
     "INVALID_FIELD", "job.runs[0].loras[0].name"),
    ("an image that is a path", one(init_image="artifacts/../../x"),
     "INVALID_FIELD", "job.runs[0].init_image"),
    ("an image that is not there", one(init_image=NO_ARTIFACT),
     "ARTIFACT_NOT_FOUND", None),
    ("an extra value that is huge", one(extra={"a": "x" * 4097}),
     "INVALID_FIELD", 'job.runs[0].extra["a"]'),
    ("shared values are checked too",
     submit(shared=pb.RunRequest(steps=1001)), "INVALID_FIELD",
     "job.shared.steps"),
    ("100,001 runs", submit(runs=[{}] * 100_001), "INVALID_FIELD",
     "job.runs"),
    ("a sweep that makes 100,001 runs",
     sweep({"field": "seed", "range": {"from": 0, "to": 100_000}}),
     "TOO_MANY_RUNS", None),
    ("a sweep that makes 10^64 runs",
     sweep(*[{"field": "seed", "values": [str(i) for i in range(10_000)]}]
           * 16), "TOO_MANY_RUNS", None),
    ("a sweep without axes", sweep(), "INVALID_FIELD", "job.sweep.axes"),
    ("a sweep over nothing", sweep({"field": "nonsense", "values": ["1"]}),
     "INVALID_FIELD", "job.sweep.axes[0].values[0]"),
    ("a sweep of words for numbers",
     sweep({"field": "seed", "values": ["many"]}), "INVALID_FIELD",
     "job.sweep.axes[0].values[0]"),
    ("a zip of unequal axes",
     sweep({"field": "seed", "values": ["1", "2"]},
           {"field": "steps", "values": ["1"]}, mode=2),
     "SWEEP_MISMATCH", None),
    ("a range that leads nowhere",
     sweep({"field": "seed",
            "range": {"from": 1, "to": 5, "step": -1}}),
     "INVALID_FIELD", "job.sweep.axes[0].range"),
    ("a range of NaN",
     sweep({"field": "seed", "range": {"from": NAN, "to": 5}}),
     "INVALID_FIELD", "job.sweep.axes[0].range.from"),
    ("an unknown way to sweep",
     sweep({"field": "seed", "values": ["1"]}, mode=9),
     "INVALID_FIELD", "job.sweep.mode"),
]
