package io.vireo.posix;

/** Who was at the other end of a UNIX socket when the connection was made (SO_PEERCRED). */
public record PeerCredentials(int pid, int uid, int gid) {
    /** This process, as it would be at the other end. */
    public static PeerCredentials own() {
        return new PeerCredentials(Jnr.POSIX.getpid(), Jnr.POSIX.geteuid(), Jnr.POSIX.getegid());
    }
}
