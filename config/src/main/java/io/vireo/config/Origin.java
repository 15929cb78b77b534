package io.vireo.config;

/**
 * Where something was said, so that whoever finds it wrong later (a missing image, an address in use) can point there.
 * Two records that say the same in different places are equal, therefore all origins are: a comparison of desired and
 * running state must not report that a line moved.
 *
 * @param file as the user named it, or a description such as {@code --set PATH}; empty when built by a program
 * @param line counted from 1; 0 when there is none
 * @param path the HOCON path from the root; empty for the root itself
 */
public record Origin(String file, int line, String path) {
    public static final Origin PROGRAM = new Origin("", 0, "");

    /** A message as users see it: {@code vm.conf:7: vireo.drives.vm-root.file.filename: no such file}. */
    public String message(String what) {
        String place = toString();
        return place.isEmpty() ? what : place + ": " + what;
    }

    @Override
    public String toString() {
        String place = line > 0 ? file + ":" + line : file;
        if (place.isEmpty() || path.isEmpty()) return place + path;
        return place + ": " + path;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Origin;
    }

    @Override
    public int hashCode() {
        return 0;
    }
}
