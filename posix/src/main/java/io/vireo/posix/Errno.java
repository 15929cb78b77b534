package io.vireo.posix;

import java.util.Map;

/** The error numbers this project names, with their values on Linux for x86-64 and aarch64. */
public final class Errno {
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int EINTR = 4;
    public static final int EIO = 5;
    public static final int ENXIO = 6;
    public static final int EBADF = 9;
    public static final int EAGAIN = 11;
    public static final int ENOMEM = 12;
    public static final int EACCES = 13;
    public static final int EFAULT = 14;
    public static final int EBUSY = 16;
    public static final int EEXIST = 17;
    public static final int ENODEV = 19;
    public static final int ENOTDIR = 20;
    public static final int EISDIR = 21;
    public static final int EINVAL = 22;
    public static final int EMFILE = 24;
    public static final int ENOTTY = 25;
    public static final int EFBIG = 27;
    public static final int ENOSPC = 28;
    public static final int EROFS = 30;
    public static final int EPIPE = 32;
    public static final int ENAMETOOLONG = 36;
    public static final int ENOLCK = 37;
    public static final int ENOSYS = 38;
    public static final int ETIME = 62;
    public static final int ENODATA = 61;
    public static final int EOVERFLOW = 75;
    public static final int EBADRQC = 56;
    public static final int EBADSLT = 57;
    public static final int EOPNOTSUPP = 95;
    public static final int ETOOMANYREFS = 109;
    public static final int EADDRINUSE = 98;
    public static final int ECONNABORTED = 103;
    public static final int ENOBUFS = 105;
    public static final int ECONNRESET = 104;
    public static final int ETIMEDOUT = 110;
    public static final int ECONNREFUSED = 111;
    public static final int ECANCELED = 125;

    private static final Map<Integer, String> TEXTS = Map.ofEntries(
            Map.entry(EPERM, "EPERM, operation not permitted"),
            Map.entry(ENOENT, "ENOENT, no such file or directory"),
            Map.entry(EINTR, "EINTR, interrupted system call"),
            Map.entry(EIO, "EIO, input/output error"),
            Map.entry(ENXIO, "ENXIO, no such device or address"),
            Map.entry(EBADF, "EBADF, bad file descriptor"),
            Map.entry(EAGAIN, "EAGAIN, resource temporarily unavailable"),
            Map.entry(ENOMEM, "ENOMEM, cannot allocate memory"),
            Map.entry(EACCES, "EACCES, permission denied"),
            Map.entry(EFAULT, "EFAULT, bad address"),
            Map.entry(EBUSY, "EBUSY, device or resource busy"),
            Map.entry(EEXIST, "EEXIST, file exists"),
            Map.entry(ENODEV, "ENODEV, no such device"),
            Map.entry(ENOTDIR, "ENOTDIR, not a directory"),
            Map.entry(EISDIR, "EISDIR, is a directory"),
            Map.entry(EINVAL, "EINVAL, invalid argument"),
            Map.entry(EMFILE, "EMFILE, too many open files"),
            Map.entry(ENOTTY, "ENOTTY, not possible for this kind of file"),
            Map.entry(EFBIG, "EFBIG, file too large"),
            Map.entry(ENOSPC, "ENOSPC, no space left on device"),
            Map.entry(EROFS, "EROFS, read-only file system"),
            Map.entry(EPIPE, "EPIPE, broken pipe"),
            Map.entry(ENAMETOOLONG, "ENAMETOOLONG, file name too long"),
            Map.entry(ENOSYS, "ENOSYS, function not implemented"),
            Map.entry(ETIME, "ETIME, timer expired"),
            Map.entry(ENODATA, "ENODATA, no data available"),
            Map.entry(EOVERFLOW, "EOVERFLOW, value too large"),
            Map.entry(EBADRQC, "EBADRQC, invalid request code"),
            Map.entry(EBADSLT, "EBADSLT, invalid slot"),
            Map.entry(ETOOMANYREFS, "ETOOMANYREFS, too many references"),
            Map.entry(EOPNOTSUPP, "EOPNOTSUPP, operation not supported"),
            Map.entry(EADDRINUSE, "EADDRINUSE, address already in use"),
            Map.entry(ECONNABORTED, "ECONNABORTED, connection aborted"),
            Map.entry(ENOBUFS, "ENOBUFS, no buffer space available"),
            Map.entry(ECONNRESET, "ECONNRESET, connection reset by peer"),
            Map.entry(ETIMEDOUT, "ETIMEDOUT, timed out"),
            Map.entry(ECONNREFUSED, "ECONNREFUSED, connection refused"),
            Map.entry(ECANCELED, "ECANCELED, operation cancelled"));

    private Errno() {}

    /** Name and text, or the bare number for one not listed here. */
    public static String describe(int errno) {
        return TEXTS.getOrDefault(errno, "errno " + errno);
    }

    /** The symbolic name, as metrics label it; "errno-N" for one not listed here. */
    public static String name(int errno) {
        String text = TEXTS.get(errno);
        return text == null ? "errno-" + errno : text.substring(0, text.indexOf(','));
    }
}
