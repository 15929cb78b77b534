package io.vireo.test;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The launcher, run as a user runs it, on what this build has packaged. */
public final class Vireo {
    /** Generous: a start takes a second alone, and tests share two cores with compilers and guests. */
    public static final Duration PATIENCE = Duration.ofSeconds(60);

    /** The checkout that is being tested. */
    public static final Path HOME = Path.of(System.getProperty("vireo.home")).toAbsolutePath().normalize();

    /** What a finished command left. */
    public record Result(int exit, List<String> out, List<String> err) {
        public String stdout() {
            return String.join("\n", out);
        }

        public String stderr() {
            return String.join("\n", err);
        }
    }

    private Vireo() {}

    /** Runs {@code ./vireo arguments...} to its end. */
    public static Result run(String... arguments) {
        try (Child child = start(HOME, List.of(), List.of(arguments))) {
            int exit = child.awaitExit(PATIENCE);
            return new Result(exit, child.out(), child.err());
        }
    }

    /**
     * Starts the launcher that lies in {@code home}.
     *
     * @param prefix a command that runs its arguments, such as one that changes the user; may be empty
     */
    public static Child start(Path home, List<String> prefix, List<String> arguments) {
        List<String> command = new ArrayList<>(prefix);
        command.add(home.resolve("vireo").toString());
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("VIREO_BUILD", "no");       // Maven is building: it is what runs these tests
        return Child.start("vireo " + String.join(" ", arguments), builder);
    }
}
