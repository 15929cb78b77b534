package io.vireo.embed;

import io.vireo.posix.NativeAccess;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

/** What the JVM must have been started with; later it would fail far from the reason. */
final class JvmFlags {
    private static final String UNSAFE = "--sun-misc-unsafe-memory-access=";

    private JvmFlags() {}

    /** @throws IllegalStateException names everything that is missing */
    static void require() {
        List<String> missing = new ArrayList<>();
        try {
            NativeAccess.require();
        } catch (IllegalStateException e) {
            missing.add(e.getMessage());
        }
        // Akka 2.8 lives on it. JDK 25 would warn for now; a value that somebody gave on purpose is his.
        String given = ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith(UNSAFE)).reduce("", (_, last) -> last);
        if (given.isEmpty() || given.equals(UNSAFE + "deny")) {
            missing.add("Akka needs sun.misc.Unsafe: start the JVM with " + UNSAFE + "allow");
        }
        if (!missing.isEmpty()) throw new IllegalStateException(String.join("; ", missing));
    }
}
