package io.vireo.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The kernel's lists of cpus, as in {@code 0-3,6}. */
public final class Cpus {
    private static final Path ONLINE = Path.of("/sys/devices/system/cpu/online");

    private Cpus() {}

    /** The cpus of this machine that are switched on; a container may be allowed fewer. */
    public static Set<Integer> online() {
        try {
            return parse(Files.readString(ONLINE).strip());
        } catch (IOException noSysfs) {
            int count = Runtime.getRuntime().availableProcessors();
            return IntStream.range(0, count).boxed().collect(Collectors.toCollection(TreeSet::new));
        }
    }

    static SortedSet<Integer> parse(String list) {
        var cpus = new TreeSet<Integer>();
        for (String range : list.split(",")) {
            String[] ends = range.split("-", 2);
            int last = Integer.parseInt(ends[ends.length - 1]);
            for (int cpu = Integer.parseInt(ends[0]); cpu <= last; cpu++) cpus.add(cpu);
        }
        return cpus;
    }

    static String format(Collection<Integer> cpus) {
        var text = new StringBuilder();
        var sorted = new TreeSet<>(cpus);
        for (int first : sorted) {
            if (sorted.contains(first - 1)) continue;
            int last = first;
            while (sorted.contains(last + 1)) last++;
            text.append(text.isEmpty() ? "" : ",").append(first);
            if (last > first) text.append('-').append(last);
        }
        return text.toString();
    }
}
