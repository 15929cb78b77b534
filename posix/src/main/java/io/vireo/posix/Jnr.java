package io.vireo.posix;

import jnr.posix.POSIX;
import jnr.posix.POSIXFactory;
import jnr.posix.util.DefaultPOSIXHandler;

/** The process's one jnr-posix, which does the descriptor calls that it knows. Its errno is kept per thread. */
final class Jnr {
    static final POSIX POSIX = open();

    private Jnr() {}

    /** Answers a result that is not negative, throws on one that is. */
    static int check(String call, String about, int result) {
        if (result < 0) throw new PosixException(call, about, POSIX.errno());
        return result;
    }

    private static POSIX open() {
        NativeAccess.require();
        POSIX posix = POSIXFactory.getPOSIX(new DefaultPOSIXHandler(), true);
        if (posix.isNative()) return posix;
        throw new IllegalStateException("jnr-posix could not load its native library: it needs jffi-native on the class"
                + " path, --enable-native-access for jffi, and a folder to unpack to that allows execution"
                + " (java.io.tmpdir or -Djffi.extract.dir=)");
    }
}
