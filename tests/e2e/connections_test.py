"""Connections: as many as there may be, and none that ends the service."""

import os
import socket
import subprocess
import time
import unittest

import grpc

import fixture
from fixture import until
from wire import pb

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


def connect(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=30)


def is_welcome(connection):
    """True where the server speaks HTTP/2 to it; False where it hangs up."""
    try:
        connection.sendall(PREFACE)
        return bool(connection.recv(1))
    except ConnectionError:
        return False


def asks(address):
    """A channel of its own, over which the server has answered."""
    channel = grpc.insecure_channel(
        address, options=[("grpc.use_local_subchannel_pool", 1)]
    )
    fixture.wire.admin_service_pb2_grpc.AdminServiceStub(
        channel
    ).GetServerInfo(pb.GetServerInfoRequest(), timeout=30)
    return channel


class ConnectionsTest(fixture.Case):
    def test_a_server_out_of_descriptors_serves_again_when_they_are_free(self):
        cluster = self.cluster(start=False)
        cluster.start(wrapper=("prlimit", "--nofile=128:128"))
        job = cluster.submit()
        crowd = [connect(cluster.address) for _ in range(170)]
        welcome = [is_welcome(each) for each in crowd]
        self.assertIn(True, welcome)
        self.assertIn(False, welcome)
        # Files are another half.
        self.assertTrue(cluster.upload(b"picture"))
        self.assertTrue(cluster.get(job))
        notes = cluster.admin.GetServerInfo(pb.GetServerInfoRequest()).notes
        self.assertIn("connections are refused", " ".join(notes))
        for each in crowd:
            each.close()

        def answers_somebody_new():
            try:
                asks(cluster.address).close()
                return True
            except grpc.RpcError:
                return False

        until(answers_somebody_new, "somebody new is served")

    def test_two_hundred_users_behind_one_address_are_served(self):
        cluster = self.cluster(connections_per_local_user=256)
        users = [asks(cluster.address) for _ in range(200)]
        self.addCleanup(lambda: [user.close() for user in users])
        crowd = [connect(cluster.address) for _ in range(100)]
        self.addCleanup(lambda: [each.close() for each in crowd])
        welcome = [is_welcome(each) for each in crowd]
        # One is the cluster's own.
        self.assertEqual(welcome.count(True), 55)
        cluster.submit()

    def test_a_crowd_from_one_place_keeps_out_nobody_from_another(self):
        cluster = self.cluster(start=False, connections_per_local_user=20)
        other = f"unix:{cluster.folder}/other"
        cluster.start(listen=other)
        crowd = [connect(cluster.address) for _ in range(60)]
        self.addCleanup(lambda: [each.close() for each in crowd])
        self.assertIn(False, [is_welcome(each) for each in crowd])
        asks(other).close()

    def test_the_file_limit_is_what_the_system_allows_at_all(self):
        cluster = self.cluster(start=False)
        cluster.start(wrapper=("prlimit", "--nofile=100:3000"))
        with open(f"/proc/{cluster.server.pid}/limits", encoding="ascii") as f:
            (line,) = [line for line in f if line.startswith("Max open files")]
        self.assertEqual(line.split()[3:5], ["3000", "3000"])

    def test_whoever_connects_and_says_nothing_is_cut_off(self):
        cluster = self.cluster()
        silent = connect(cluster.address)
        self.addCleanup(silent.close)
        start = time.monotonic()
        while silent.recv(4096):
            pass
        self.assertLess(time.monotonic() - start, 30)

    def test_a_live_socket_of_another_program_is_never_taken_over(self):
        cluster = self.cluster(start=False)
        path = os.path.join(cluster.folder, "theirs")
        with socket.socket(socket.AF_UNIX) as theirs:
            theirs.bind(path)
            theirs.listen()
            refused = subprocess.run(
                cluster.server_args(listen=f"unix:{path}"),
                capture_output=True, text=True, timeout=60, check=False,
            )
            self.assertEqual(refused.returncode, 1, refused.stderr)
            self.assertIn("another program listens there", refused.stderr)
            self.assertTrue(os.path.exists(path))
        # Nobody listens any more: the file is only in the way.
        cluster.start(ready=False, listen=f"unix:{path}")
        until(lambda: "listening" in cluster.server.read_log(), "it listens")
        asks(f"unix:{path}").close()


if __name__ == "__main__":
    unittest.main()
