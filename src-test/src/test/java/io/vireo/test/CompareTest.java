package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** {@code bench/compare}, as far as a test may take the time: that it measures, and writes what it measured. */
@Timeout(180)
@Isolated("measures")
final class CompareTest {
    private static final Pattern ROW = Pattern.compile("(?m)^\\| (waiting|polling) \\| 32 \\| [0-9.]+ k \\| [0-9.]+ k \\| [0-9.]+ \\(");

    @TempDir
    Path folder;

    @Test
    void writesATableAndAPlotOfTheGroupThatWasAskedFor() throws Exception {
        Path page = Files.writeString(folder.resolve("figures.md"), """
                before
                <!-- group:null -->
                old
                <!-- end -->
                <!-- group:ram -->
                kept
                <!-- end -->
                after
                """);
        Vireo.Result done = compare("--quick", "--write", "--page", page.toString(), "null");
        assertEquals(0, done.exit(), done.stderr());
        String text = Files.readString(page);
        assertEquals(2, ROW.matcher(text).results().count(), text);
        assertTrue(text.startsWith("before\n<!-- group:null -->\n![") && text.endsWith(
                "<!-- end -->\n<!-- group:ram -->\nkept\n<!-- end -->\nafter\n"), text);
        assertFalse(text.contains("old\n"), text);
        // What it ran is told without paths that were only this run's.
        assertTrue(text.contains("taskset -c 1 ./vireo serve $DIR/vireo.conf"), text);
        assertFalse(text.contains("/tmp/"), text);
        var plot = DocumentBuilderFactory.newInstance().newDocumentBuilder()
                .parse(folder.resolve("figures/null.svg").toFile());
        assertEquals("svg", plot.getDocumentElement().getTagName());
        assertTrue(plot.getElementsByTagName("rect").getLength() > 2);
    }

    @Test
    void refusesAGroupThatIsNotThere() {
        Vireo.Result done = compare("nil");
        assertEquals(2, done.exit());
        assertTrue(done.stderr().contains("no group nil: there are null, ram"), done.stderr());
    }

    private Vireo.Result compare(String... arguments) {
        List<String> command = new ArrayList<>(List.of(Vireo.HOME.resolve("bench/compare").toString(), "--dir", folder.toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("VIREO_BUILD", "no");
        try (Child child = Child.start("bench/compare", builder)) {
            int exit = child.awaitExit(Vireo.PATIENCE.multipliedBy(2));
            return new Vireo.Result(exit, child.out(), child.err());
        }
    }
}
