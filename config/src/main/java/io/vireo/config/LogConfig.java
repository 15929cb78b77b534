package io.vireo.config;

/** What goes to stderr, and how. */
public record LogConfig(Format format, Level level) {
    public static final LogConfig DEFAULT = new LogConfig(Format.TEXT, Level.INFO);

    public enum Format { TEXT, JSON }

    public enum Level { ERROR, WARN, INFO, DEBUG, TRACE }
}
