"""
The groups, by name, in the order in which they run. Those ON_REQUEST run only when they are named.

A group is a module with ABOUT (one line), ROUNDS and SECONDS (defaults), NEEDS (commands besides
qemu-storage-daemon) and measure(run), which answers an Outcome.
"""
from groups import anatomy, cached, direct, disks, idle, native, null, pauses, queues, ram, users

ALL = {"null": null, "ram": ram, "direct": direct, "native": native, "cached": cached, "users": users, "disks": disks,
       "queues": queues, "idle": idle, "pauses": pauses, "anatomy": anatomy}
ON_REQUEST = ("pauses", "anatomy")
