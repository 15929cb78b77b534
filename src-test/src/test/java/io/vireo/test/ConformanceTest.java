package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import com.tngtech.archunit.core.domain.JavaAnnotation;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.properties.HasAnnotations;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * {@code docs/conformance.md} says what tests say: its last columns name the tests that carry a row's id as a tag. A
 * row is added by hand, its tests are filled in by {@code ./test -Dtest=ConformanceTest -Dvireo.write=conformance}.
 */
final class ConformanceTest {
    private static final Path DOCUMENT = Vireo.HOME.resolve("docs/conformance.md");
    /** Id, clause, tests. Every id has a slash; a tag without one names a section and needs no row. */
    private static final Pattern ROW = Pattern.compile("\\| (\\S+/\\S+) \\| (.+) \\| (.*?) ?\\|");
    private static final String ANNOTATIONS = "org.junit.jupiter.api.";

    /** Tests by their tags. */
    private final Map<String, Set<String>> tests = new TreeMap<>();
    /** Those that do not run, or not everywhere. */
    private final Set<String> disabled = new TreeSet<>();

    @Test
    void everyClauseNamesTheTestsThatCoverIt() throws IOException {
        collect();
        List<String> is = Files.readAllLines(DOCUMENT);
        List<String> shouldBe = is.stream().map(this::filled).toList();
        if ("conformance".equals(System.getProperty("vireo.write"))) Files.write(DOCUMENT, shouldBe);
        else assertEquals(String.join("\n", shouldBe), String.join("\n", is), "docs/conformance.md is out of date; "
                + "./test -Dtest=ConformanceTest -Dvireo.write=conformance writes it");
    }

    @Test
    void everyClauseHasATestAndEveryTagItsClause() throws IOException {
        collect();
        Set<String> rows = new HashSet<>();
        List<String> wrong = new ArrayList<>();
        for (String line : Files.readAllLines(DOCUMENT)) {
            Matcher row = ROW.matcher(line);
            if (!row.matches()) continue;
            if (!rows.add(row.group(1))) wrong.add(row.group(1) + " has two rows");
            Set<String> covering = tests.getOrDefault(row.group(1), Set.of());
            if (covering.isEmpty()) wrong.add(row.group(1) + " has no test");
            else if (disabled.containsAll(covering)) wrong.add(row.group(1) + " has only tests that may not run: " + covering);
        }
        tests.forEach((tag, tagged) -> {
            if (tag.contains("/") && !rows.contains(tag)) wrong.add("no row for the tag " + tag + " of " + tagged);
        });
        assertEquals(List.of(), wrong);
        assertNotEquals(Set.of(), rows);
    }

    /** As the modules before this one reported; nothing is known of one that did not run. */
    @Test
    void noTestThatIsNamedWasSkipped() throws IOException {
        collect();
        Set<String> named = new TreeSet<>();
        tests.forEach((tag, tagged) -> {
            if (tag.contains("/")) named.addAll(tagged);
        });
        named.removeAll(disabled);
        Set<String> skipped = new HashSet<>();
        for (Path reports : inEveryModule("target/surefire-reports")) {
            try (Stream<Path> files = Files.list(reports)) {
                for (Path file : files.filter(path -> path.toString().endsWith(".xml")).toList()) {
                    skipped.addAll(skipped(Files.readString(file)));
                }
            }
        }
        named.retainAll(skipped);
        assertEquals(Set.of(), named);
    }

    private static List<Path> inEveryModule(String folder) throws IOException {
        try (Stream<Path> modules = Files.list(Vireo.HOME)) {
            return modules.map(module -> module.resolve(folder)).filter(Files::isDirectory).toList();
        }
    }

    private static Set<String> skipped(String report) {
        Matcher testcase = Pattern.compile(
                "<testcase name=\"(\\w+)[^\"]*\" classname=\"[\\w.]*\\.([\\w$]+)\"[^>]*>\\s*<skipped").matcher(report);
        Set<String> names = new HashSet<>();
        while (testcase.find()) names.add(testcase.group(2).replace('$', '.') + "." + testcase.group(1));
        return names;
    }

    private String filled(String line) {
        Matcher row = ROW.matcher(line);
        if (!row.matches()) return line;
        String names = String.join(", ", tests.getOrDefault(row.group(1), Set.of()));
        return "| " + row.group(1) + " | " + row.group(2) + " | " + names + " |";
    }

    private void collect() throws IOException {
        for (JavaClass type : new ClassFileImporter().importPaths(inEveryModule("target/test-classes"))) {
            for (JavaMethod method : type.getMethods()) {
                if (!isTest(method)) continue;
                String name = nameOf(type) + "." + method.getName();
                Set<String> tags = new TreeSet<>(tagsOf(method));
                boolean conditional = isConditional(method);
                for (JavaClass outer = type; outer != null; outer = outer.getEnclosingClass().orElse(null)) {
                    tags.addAll(tagsOf(outer));
                    conditional |= isConditional(outer);
                }
                for (String tag : tags) tests.computeIfAbsent(tag, _ -> new TreeSet<>()).add(name);
                if (conditional) disabled.add(name);
            }
        }
    }

    private static String nameOf(JavaClass type) {
        return type.getName().substring(type.getPackageName().length() + 1).replace('$', '.');
    }

    private static boolean isTest(HasAnnotations<?> method) {
        return method.getAnnotations().stream().map(annotation -> annotation.getRawType().getName())
                .anyMatch(Set.of(ANNOTATIONS + "Test", ANNOTATIONS + "RepeatedTest", ANNOTATIONS + "TestFactory",
                        "org.junit.jupiter.params.ParameterizedTest")::contains);
    }

    private static boolean isConditional(HasAnnotations<?> element) {
        return element.getAnnotations().stream().map(annotation -> annotation.getRawType().getName())
                .anyMatch(name -> name.matches("org\\.junit\\.jupiter\\.api\\..*\\b(Disabled|Enabled)\\w*"));
    }

    private static List<String> tagsOf(HasAnnotations<?> element) {
        List<String> tags = new ArrayList<>();
        for (JavaAnnotation<?> annotation : element.getAnnotations()) {
            String type = annotation.getRawType().getName();
            if (type.equals(ANNOTATIONS + "Tag")) tags.add((String) annotation.get("value").orElseThrow());
            if (type.equals(ANNOTATIONS + "Tags")) {
                for (Object one : (Object[]) annotation.get("value").orElseThrow()) {
                    tags.add((String) ((JavaAnnotation<?>) one).get("value").orElseThrow());
                }
            }
        }
        return tags;
    }
}
