package io.vireo.posix;

/**
 * The JVM must allow this module, and jffi below jnr-posix, to link native code. Without the flags the JVM warns or
 * fails far away, and jnr silently answers from stubs; {@link #require()} says it once and plainly.
 */
public final class NativeAccess {
    private NativeAccess() {}

    /**
     * Returns when native code may be linked.
     *
     * @throws IllegalStateException names the missing JVM flags
     */
    public static void require() {
        Module ours = NativeAccess.class.getModule();
        Module jffi = com.kenai.jffi.Type.class.getModule();
        if (ours.isNativeAccessEnabled() && jffi.isNativeAccessEnabled()) return;
        throw new IllegalStateException("native access is not enabled: start the JVM with --enable-native-access="
                + (ours.isNamed() || jffi.isNamed() ? name(ours) + "," + name(jffi) : name(ours)));
    }

    private static String name(Module module) {
        return module.isNamed() ? module.getName() : "ALL-UNNAMED";
    }
}
