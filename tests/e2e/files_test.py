"""What the server keeps is its user's alone, and so is what it was told."""

import os
import stat
import subprocess
import unittest

import fixture
from fixture import until
from wire import pb


def modes(folder):
    """Every path under the folder, with the bits of group and others."""
    for here, folders, files in os.walk(folder):
        for name in [".", *folders, *files]:
            path = os.path.join(here, name)
            yield path, stat.S_IMODE(os.lstat(path).st_mode) & 0o077


class FilesTest(fixture.Case):
    def open_to_all(self, cluster):
        return [path for path, others in modes(cluster.data) if others]

    def test_nothing_is_anybody_elses_whatever_the_umask(self):
        cluster = self.cluster(start=False, local_workers=1,
                               worker_arg="--engine=simulated")
        cluster.start(wrapper=("sh", "-c", 'umask 000; exec "$@"', "sh"))
        job = cluster.submit()
        cluster.wait(job)
        cluster.upload(b"a picture")
        cluster.admin.Backup(pb.BackupRequest(file_name="b.db"), timeout=30)
        self.assertEqual(self.open_to_all(cluster), [])

    def test_a_directory_of_an_older_version_is_narrowed(self):
        cluster = self.cluster()
        cluster.upload(b"a picture")
        cluster.admin.Backup(pb.BackupRequest(file_name="b.db"), timeout=30)
        cluster.stop()
        for path, _ in list(modes(cluster.data)):
            os.chmod(path, 0o755 if os.path.isdir(path) else 0o644)
        cluster.start()
        self.assertEqual(self.open_to_all(cluster), [])
        self.assertIn("could be entered by other users", cluster.server.read_log())

    def test_another_user_cannot_hold_the_lock_that_stops_all_writes(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        cluster = self.cluster()
        # As a folder for several users; what lies in it protects itself.
        os.chmod(cluster.folder, 0o755)
        opened = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             "cat", cluster.database + "-shm"],
            capture_output=True, check=False,
        )
        self.assertNotEqual(opened.returncode, 0)
        self.assertIn(b"Permission denied", opened.stderr)

    def test_a_directory_of_another_user_is_refused(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give a folder away")
        cluster = self.cluster(start=False)
        os.makedirs(cluster.data, mode=0o700)
        os.chown(cluster.data, 65534, 65534)
        refused = subprocess.run(
            cluster.server_args(), capture_output=True, text=True,
            timeout=60, check=False,
        )
        self.assertEqual(refused.returncode, 1)
        self.assertIn("belongs to user 65534", refused.stderr)

    def test_local_workers_see_a_short_environment(self):
        cluster = self.cluster(start=False)
        seen = os.path.join(cluster.folder, "seen")
        program = os.path.join(cluster.folder, "worker.sh")
        with open(program, "w", encoding="ascii") as script:
            script.write(f"#!/bin/sh\nenv > {seen}.new\n"
                         f"mv {seen}.new {seen}\nexec sleep 1000\n")
        os.chmod(program, 0o755)
        cluster.start(
            env={"DB_PASSWORD": "hunter2", "CUDA_VISIBLE_DEVICES": "1",
                 "HF_HOME": "/models"},
            local_workers=1, worker_command=program,
            worker_arg="--token=t0k3n", worker_environment="HF_*",
        )
        until(lambda: os.path.exists(seen), "a worker has started")
        with open(seen, encoding="utf-8") as text:
            names = {line.split("=")[0] for line in text}
        self.assertLessEqual({"CUDA_VISIBLE_DEVICES", "HF_HOME", "PATH"}, names)
        self.assertNotIn("DB_PASSWORD", names)
        stats = cluster.admin.GetStats(pb.GetStatsRequest(), timeout=30)
        shown = {entry.key: entry.value for entry in stats.config}
        self.assertEqual(shown["worker_args"], '"(private)"')
        self.assertNotIn("t0k3n", str(stats))


if __name__ == "__main__":
    unittest.main()
