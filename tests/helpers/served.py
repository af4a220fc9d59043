"""A server in a thread of the tests, and an inspector that waits until it is let go."""

from contextlib import contextmanager
from threading import Event, Thread

from padimkit.service.serving.server import address, bound, new_server


@contextmanager
def running(service):
    """Yields the URL of a server; at the end it answers what it has accepted."""
    with bound("127.0.0.1", 0) as taken:
        server = new_server(service.app(), service.limits)
        taken.listen()
        thread = Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        try:
            yield address(taken)
        finally:
            server.should_exit = True
            thread.join()


class Held:
    """An inspector whose verdicts wait: `begun` says that a batch is there, and `go` lets it be scored."""

    def __init__(self, inspector):
        self.inner = inspector
        self.begun, self.go = Event(), Event()
        self.sizes = []

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def judge(self, reads):
        self.sizes.append(len(reads))
        self.begun.set()
        assert self.go.wait(20)
        return self.inner.judge(reads)
