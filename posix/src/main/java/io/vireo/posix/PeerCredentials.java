package io.vireo.posix;

/** Who was at the other end of a UNIX socket when the connection was made (SO_PEERCRED). */
public record PeerCredentials(int pid, int uid, int gid) {}
