"""Uploads and downloads whose callers stand still, leave, or send too much."""

import os
import threading
import time
import unittest
import zlib

import grpc

import fixture
import wire

CHUNK = 256 * 1024


class StreamsTest(fixture.Case):
    def another(self, cluster):
        """A client with a connection of its own. It is there when this returns:
        on a busy machine the first try to connect may take too long, and all
        calls that wait for it fail."""
        client = wire.Calls(cluster.address)
        self.addCleanup(client.close)
        fixture.until(client.is_serving, "a client is connected")
        return client

    def descriptors(self, cluster):
        return len(os.listdir(f"/proc/{cluster.server.pid}/fd"))

    def unfinished(self, cluster):
        """Files of uploads under way."""
        return os.listdir(os.path.join(cluster.data, "artifacts", "tmp"))

    def begin_upload(self, client):
        """An upload that sends one byte and then nothing."""
        ended = threading.Event()
        self.addCleanup(ended.set)

        def messages():
            yield client.pb.UploadArtifactRequest(data=b"x")
            ended.wait()

        return client.artifacts.UploadArtifact.future(messages())

    def begin_download(self, client, name):
        """A download whose messages nobody takes."""
        return client.artifacts.DownloadArtifact(
            client.pb.DownloadArtifactRequest(name=name)
        )

    def refusal_of_upload(self, client, data):
        with self.assertRaises(grpc.RpcError) as caught:
            client.upload(data, chunk=CHUNK)
        return wire.Refused(caught.exception)

    def test_downloads_that_nobody_reads_hold_no_descriptors(self):
        cluster = self.cluster()
        data = os.urandom(CHUNK) * 16
        large = cluster.upload(data, chunk=CHUNK).name
        small = cluster.upload(b"small").name
        idle = self.another(cluster)
        idle.info()
        before = self.descriptors(cluster)
        streams = [self.begin_download(idle, large) for _ in range(150)]
        for stream in streams:
            next(stream)
        # Served all the while, and no file is open for any of them.
        self.assertEqual(cluster.download(small), b"small")
        self.assertEqual(cluster.download(large), data)
        self.assertLess(self.descriptors(cluster), before + 20)
        for stream in streams:
            stream.cancel()

    def test_more_downloads_than_there_are_places_keep_nobody_out(self):
        cluster = self.cluster(download_silence_max="60s")
        large = cluster.upload(os.urandom(CHUNK) * 16, chunk=CHUNK).name
        small = cluster.upload(b"small").name
        idle = [self.another(cluster) for _ in range(3)]
        streams = [
            self.begin_download(client, large)
            for client in idle
            for _ in range(100)
        ]
        # Each has a place or was refused; if others have stood still for a second,
        # it got the place of one of them.
        for stream in streams:
            self.answered(stream)
        self.assertEqual(cluster.download(small), b"small")
        for stream in streams:
            stream.cancel()

    def answered(self, stream):
        """Waits for the first message or the refusal of a download."""
        try:
            next(stream)
        except grpc.RpcError as error:
            self.assertIn(error.code(), (
                grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.CANCELLED))

    def test_download_that_nobody_takes_is_broken_off(self):
        cluster = self.cluster(download_silence_max="2s")
        name = cluster.upload(os.urandom(CHUNK) * 256, chunk=CHUNK).name

        # The client hears of it when it has read what had come before.
        def broken_off():
            stream = self.begin_download(cluster, name)
            try:
                next(stream)
                time.sleep(5)
                return not list(stream)
            except grpc.RpcError as error:
                return error.code() == grpc.StatusCode.CANCELLED

        fixture.until(broken_off, "the server gives the stream up")
        self.assertEqual(len(cluster.download(name)), 256 * CHUNK)

    def test_upload_that_pauses_is_ended_with_a_reason(self):
        cluster = self.cluster(upload_silence_max="300ms")
        upload = self.begin_upload(cluster)
        refused = wire.Refused(upload.exception(timeout=60))
        self.assertEqual(refused.reason, "STREAM_IDLE")
        self.assertEqual(refused.code, grpc.StatusCode.DEADLINE_EXCEEDED)
        fixture.until(
            lambda: not self.unfinished(cluster), "its file is gone"
        )

    def test_call_that_never_says_anything_is_ended_too(self):
        cluster = self.cluster(upload_silence_max="300ms")
        ended = threading.Event()
        self.addCleanup(ended.set)

        def nothing():
            ended.wait()
            yield from ()

        upload = cluster.artifacts.UploadArtifact.future(nothing())
        refused = wire.Refused(upload.exception(timeout=60))
        self.assertEqual(refused.reason, "STREAM_IDLE")

    def test_idle_uploads_of_one_caller_keep_no_other_out(self):
        cluster = self.cluster(upload_silence_max="60s")
        idle = self.another(cluster)
        uploads = [self.begin_upload(idle) for _ in range(64)]
        fixture.until(
            lambda: len(self.unfinished(cluster)) == 64,
            "all places are taken",
        )
        # At once: the other has more than a fair part.
        self.assertEqual(cluster.upload(b"honest").size_bytes, 6)
        ended = fixture.until(
            lambda: [upload for upload in uploads if upload.done()],
            "one of them hears that it has lost its place",
        )
        self.assertEqual(
            [wire.Refused(each.exception()).reason for each in ended],
            ["OVERLOADED"],
        )
        for upload in uploads:
            upload.cancel()

    def test_idle_uploads_of_many_callers_keep_no_other_out(self):
        cluster = self.cluster(upload_silence_max="60s")
        uploads = [
            self.begin_upload(self.another(cluster)) for _ in range(64)
        ]
        fixture.until(
            lambda: len(self.unfinished(cluster)) == 64,
            "all places are taken",
        )

        # After a second of standing still: nobody has more than another.
        def taken():
            try:
                return cluster.upload(b"honest").size_bytes == 6
            except grpc.RpcError as error:
                self.assertEqual(wire.reason_of(error), "OVERLOADED")

        fixture.until(taken, "an idle upload yields its place")
        for upload in uploads:
            upload.cancel()

    def test_downloads_that_were_cancelled_cost_next_to_nothing(self):
        cluster = self.cluster()
        large = cluster.upload(os.urandom(CHUNK) * 256, chunk=CHUNK).name
        small = cluster.upload(b"small").name
        hasty = self.another(cluster)
        before = cluster.server.cpu_seconds()
        for _ in range(4):
            streams = [self.begin_download(hasty, large) for _ in range(75)]
            for stream in streams:
                stream.cancel()
        self.assertEqual(cluster.download(small), b"small")
        # To hash 300 times 64 MiB takes ten seconds and more.
        self.assertLess(cluster.server.cpu_seconds() - before, 5)

    def test_artifacts_together_are_bounded(self):
        cluster = self.cluster(artifact_total_bytes="1MiB")
        kept = cluster.upload(os.urandom(CHUNK) * 2, chunk=CHUNK).name
        refused = self.refusal_of_upload(cluster, os.urandom(CHUNK) * 3)
        self.assertEqual(refused.reason, "ARTIFACTS_FULL")
        self.assertEqual(refused.code, grpc.StatusCode.RESOURCE_EXHAUSTED)
        fixture.until(
            lambda: not self.unfinished(cluster), "its file is gone"
        )
        cluster.upload(os.urandom(CHUNK))
        cluster.restart()
        refused = self.refusal_of_upload(cluster, os.urandom(CHUNK))
        self.assertEqual(refused.reason, "ARTIFACTS_FULL")
        self.assertEqual(len(cluster.download(kept)), 2 * CHUNK)

    def test_picture_of_too_many_pixels_is_refused_by_its_header(self):
        cluster = self.cluster(pixels_max=1_000_000)

        def header(width, height):
            sides = width.to_bytes(4, "big") + height.to_bytes(4, "big")
            chunk = b"IHDR" + sides + b"\x08\x02\x00\x00\x00"
            check = zlib.crc32(chunk).to_bytes(4, "big")
            return b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0d" + chunk + check

        cluster.upload(header(1000, 1000))
        refused = self.refusal_of_upload(cluster, header(1000, 1001))
        self.assertEqual(refused.reason, "ARTIFACT_TOO_LARGE")


if __name__ == "__main__":
    unittest.main()
