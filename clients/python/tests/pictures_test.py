"""Pictures that jobs name, against the fake server."""

import hashlib
import os
import pathlib
import tempfile
import unittest

import sheaf
from sheaf._pb.sheaf.v1 import artifact_service_pb2 as artifact_pb
from sheaf.pictures import Description, _fields

from case import ClientTest, twins


def name_of(data):
    return f"artifacts/{hashlib.sha256(data).hexdigest()}"


class Image:
    """As Pillow's, to those who only save it."""

    def save(self, file, format):
        file.write(f"an image as {format}".encode())


class PicturesTest(ClientTest):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "pose.png")
        with open(self.path, "wb") as file:
            file.write(b"pose")

    def uploads(self):
        return len(self.sent(artifact_pb.UploadArtifactRequest))

    def last_job(self):
        return self.server.calls[-1].job

    def test_a_picture_may_be_a_path_bytes_or_an_image(self):
        self.client.submit(
            {
                "shared": {
                    "init_image": pathlib.Path(self.path),
                    "controls": [{"type": "pose", "image": self.path}],
                },
                "runs": [
                    {"mask": b"mask"},
                    sheaf.RunRequest(init_image=self.path, weights={"a": 1}),
                    {"controls": [sheaf.Control(type="seg", weight=0)]},
                    {"controls": [{"type": "seg", "image": Image()}]},
                ],
            }
        )
        job = self.last_job()
        pose = name_of(b"pose")
        self.assertEqual(job.shared.init_image, pose)
        self.assertEqual(job.shared.controls[0].image, pose)
        self.assertEqual(job.runs[0].mask, name_of(b"mask"))
        self.assertEqual(job.runs[1].init_image, pose)
        self.assertEqual(dict(job.runs[1].weights), {"a": 1})
        self.assertTrue(job.runs[2].controls[0].HasField("weight"))
        self.assertEqual(
            job.runs[3].controls[0].image, name_of(b"an image as PNG")
        )
        self.assertEqual(self.server.artifacts[pose], b"pose")

    def test_a_client_sends_a_picture_once(self):
        job = {"shared": {"init_image": self.path}, "runs": [{}] * 3}
        self.client.submit(job)
        self.client.submit_many([job, {"shared": {"mask": b"pose"}}])
        list(self.client.submit_stream([job]))
        self.assertEqual(self.uploads(), 1)

    def test_a_file_that_has_changed_is_another_picture(self):
        job = {"shared": {"init_image": self.path}}
        self.client.submit(job)
        with open(self.path, "wb") as file:
            file.write(b"another")
        self.client.submit(job)
        self.assertEqual(self.last_job().shared.init_image,
                         name_of(b"another"))
        self.assertEqual(self.uploads(), 2)

    def test_a_picture_that_the_server_has_removed_is_sent_again(self):
        job = {"shared": {"init_image": self.path}}
        self.client.submit(job)
        self.server.artifacts.clear()
        self.assertEqual(self.client.submit(job).name, "jobs/2")
        self.assertEqual(self.uploads(), 2)

    def test_an_artifact_stays_as_it_is(self):
        artifact = self.client.upload(b"pose").name
        self.client.submit({"shared": {"init_image": artifact}})
        self.assertEqual(self.last_job().shared.init_image, artifact)
        self.assertEqual(self.uploads(), 1)
        with self.assertRaises(sheaf.NotFound):
            self.client.submit({"shared": {"mask": "artifacts/0"}})

    def test_a_sweep_may_go_over_pictures(self):
        axes = [
            {"field": "init_image", "values": [self.path, b"b"]},
            {"field": "prompt", "values": ["no.png"]},
        ]
        self.client.submit({"sweep": {"axes": axes}})
        pictures, prompts = self.last_job().sweep.axes
        self.assertEqual(
            list(pictures.values), [name_of(b"pose"), name_of(b"b")]
        )
        self.assertEqual(list(prompts.values), ["no.png"])
        self.assertEqual(axes[0]["values"], [self.path, b"b"])

    def test_a_description_is_left_as_it_was(self):
        control = sheaf.Control(type="pose", image=self.path)
        spec = sheaf.JobSpec(shared={"controls": [control]})
        self.client.submit(spec)
        self.assertEqual(spec.shared.controls[0].image, self.path)
        self.assertEqual(
            self.last_job().shared.controls[0].image, name_of(b"pose")
        )

    def test_a_path_that_does_not_exist_is_told_with_its_field(self):
        controls = [{"type": "a"}, {"type": "b", "image": "no/such.png"}]
        jobs = [{}, {"runs": [{}, {"controls": controls}]}]
        field = r"runs\[1\]\.controls\[1\]\.image: No such file"
        with self.assertRaisesRegex(FileNotFoundError, f"] {field}") as caught:
            self.client.submit(jobs[1])
        self.assertEqual(caught.exception.filename, "no/such.png")
        field = rf"jobs\[1\]\.{field}"
        with self.assertRaisesRegex(FileNotFoundError, field):
            self.client.submit_many(jobs)
        with self.assertRaisesRegex(FileNotFoundError, field):
            list(self.client.submit_stream(jobs))
        with self.assertRaisesRegex(IsADirectoryError, "shared.mask: Is a "):
            self.client.submit({"shared": {"mask": os.sep}})

    def test_what_is_no_picture_is_told_with_its_field(self):
        with self.assertRaisesRegex(TypeError, "shared.mask: .* not int"):
            self.client.submit({"shared": {"mask": 3}})
        with self.assertRaises(TypeError):
            self.client.upload(3)

    def test_an_image_can_be_uploaded(self):
        artifact = self.client.upload(Image())
        self.assertEqual(
            self.client.download(artifact), b"an image as PNG"
        )


class StreamTest(ClientTest):
    def test_answers_come_in_order_and_a_refusal_is_one_of_them(self):
        jobs = [{}, {"kind": "Bad Kind"}, {}]
        answers = list(self.client.submit_stream(jobs, request_id="bulk"))
        self.assertEqual(
            [answer.job for answer in answers], ["jobs/1", "", "jobs/2"]
        )
        self.assertEqual(answers[1].reason, "INVALID_FIELD")
        self.assertEqual(self.server.calls[2].request_id, "bulk-2")

    def test_what_was_sent_before_a_mistake_is_answered(self):
        answers = []
        with self.assertRaises(ValueError):
            for answer in self.client.submit_stream([{}, {"promt": "x"}]):
                answers.append(answer.job)
        self.assertEqual(answers, ["jobs/1"])


class DescriptionTest(unittest.TestCase):
    def test_pictures_stand_where_the_contract_wants_artifacts(self):
        pictures, holders = _fields(sheaf.RunRequest.DESCRIPTOR)
        self.assertLessEqual({"init_image", "mask"}, pictures)
        self.assertNotIn("model", pictures)
        self.assertEqual(list(holders), ["controls"])
        pictures, holders = _fields(sheaf.JobSpec.DESCRIPTOR)
        self.assertEqual(pictures, set())
        self.assertEqual(list(holders), ["shared", "runs", "sweep"])

    def test_a_list_of_pictures_has_a_place_for_each(self):
        description = Description({})
        values = {"images": ("a.png", "artifacts/0", b"c")}
        description._pick(values, "images", "shared.images")
        self.assertEqual(
            [place.field for place in description.places],
            ["shared.images[0]", "shared.images[2]"],
        )
        description.places[1].put("artifacts/1")
        self.assertEqual(
            values["images"], ["a.png", "artifacts/0", "artifacts/1"]
        )

    def test_a_message_comes_back_as_it_was(self):
        spec = sheaf.JobSpec(
            kind="inference",
            labels={"team": "art"},
            shared={"weights": {"depth": 0.5}, "seed": 0, "extra": {"a": "b"}},
            runs=[{"loras": [{"name": "ink", "weight": 0}]}, {}],
            sweep={"axes": [{"field": "seed", "range": {"to": 3}}]},
            run_time={"seconds": 5},
        )
        self.assertEqual(Description(spec).spec(), spec)


twins(globals())

if __name__ == "__main__":
    unittest.main()
