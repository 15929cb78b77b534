package io.vireo.config;

import java.util.List;
import java.util.stream.Collectors;

/** A configuration that is refused as a whole; its message has one line a problem, in the order of files and lines. */
public final class ConfigException extends RuntimeException {
    private final List<Problem> problems;

    public ConfigException(List<Problem> problems) {
        super(problems.stream().map(Problem::toString).collect(Collectors.joining("\n")), null, false, false);
        if (problems.isEmpty()) throw new IllegalArgumentException("refused without a problem");
        this.problems = List.copyOf(problems);
    }

    /** Not empty. */
    public List<Problem> problems() {
        return problems;
    }
}
