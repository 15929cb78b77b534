package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Somebody else's Maven project, which depends on io.vireo:vireo alone, and the program that the README shows. */
final class EmbedderTest {
    private static final String NATIVE = "--enable-native-access=ALL-UNNAMED";
    private static final String UNSAFE = "--sun-misc-unsafe-memory-access=allow";
    private static final Path JDK = Path.of(System.getProperty("java.home"));

    /** Not a temporary folder of JUnit's, which complains about every link that leads out of it. */
    private static final Path FOLDER = Vireo.HOME.resolve("src-test/target/embedder");

    private static Path project;
    private static Path image;
    private static Path other;
    private static String documented;
    private static String readmeProgram;

    @BeforeAll
    static void buildsTheProject() throws IOException {
        String chapter = Files.readString(Vireo.HOME.resolve("README.md")).split("\n## Inside a VMM for the JVM\n")[1];
        documented = chapter.substring(0, chapter.indexOf("```java"));
        String program = chapter.substring(chapter.indexOf("```java\n") + 8, chapter.indexOf("\n```\n") + 1);
        Matcher name = Pattern.compile("public class (\\w+)").matcher(program);
        assertTrue(name.find(), program);
        readmeProgram = name.group(1);

        if (Files.exists(FOLDER)) delete(FOLDER);
        Files.createDirectories(FOLDER);
        project = FOLDER.resolve("vmm");
        copy(Vireo.HOME.resolve("src-test/src/test/embedder"), project);
        Files.writeString(project.resolve("src/main/java").resolve(readmeProgram + ".java"), program);
        image = sector("image", "Hello from sector 0");
        other = sector("other", "Hello from another");

        ProcessBuilder maven = new ProcessBuilder("mvn", "-q", "-B", "-ntp",
                "-Dmaven.repo.local=" + repository(), "process-classes");
        maven.environment().put("JAVA_HOME", JDK.toString());
        maven.environment().remove("MAVEN_OPTS");
        Vireo.Result built = end(maven, "mvn");
        assertEquals(0, built.exit(), built.stdout() + built.stderr());
    }

    /** What the user's repository has, and what this build made of ours: nothing is installed for that. */
    private static Path repository() throws IOException {
        Path repository = FOLDER.resolve("repository");
        Path users = Path.of(System.getProperty("vireo.maven.repository"));
        Path ours = repository.resolve("io/vireo");
        Files.createDirectories(ours);
        linkAllBut(users, repository, "io");
        if (Files.isDirectory(users.resolve("io"))) linkAllBut(users.resolve("io"), repository.resolve("io"), "vireo");
        place(ours, "vireo-parent", Vireo.HOME, "pom");
        for (String module : List.of("posix", "virtio", "storage", "config", "monitoring", "actors", "embed")) {
            place(ours, module.equals("embed") ? "vireo" : "vireo-" + module, Vireo.HOME.resolve(module), "jar");
        }
        return repository;
    }

    private static void linkAllBut(Path from, Path to, String except) throws IOException {
        try (var entries = Files.newDirectoryStream(from, entry -> !entry.getFileName().toString().equals(except))) {
            for (Path entry : entries) Files.createSymbolicLink(to.resolve(entry.getFileName()), entry);
        }
    }

    private static void place(Path repository, String artifact, Path module, String packaging) throws IOException {
        Path version = Files.createDirectories(repository.resolve(artifact).resolve("0.1.0"));
        Files.copy(module.resolve("pom.xml"), version.resolve(artifact + "-0.1.0.pom"));
        String jar = artifact + "-0.1.0.jar";
        if (packaging.equals("jar")) Files.copy(module.resolve("target").resolve(jar), version.resolve(jar));
    }

    private static void copy(Path from, Path to) throws IOException {
        try (var files = Files.walk(from)) {
            for (Path file : files.toList()) Files.copy(file, to.resolve(from.relativize(file)));
        }
    }

    private static void delete(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
        }
    }

    private static Path sector(String name, String text) throws IOException {
        return Files.write(FOLDER.resolve(name), Arrays.copyOf(text.getBytes(StandardCharsets.US_ASCII), 1 << 20));
    }

    private static Vireo.Result java(List<String> flags, String main, Path... images) throws IOException {
        List<String> command = new ArrayList<>(List.of(JDK.resolve("bin/java").toString(), "-Xmx256m"));
        command.addAll(flags);
        String classes = project.resolve("target/classes") + ":" + Files.readString(project.resolve("target/classpath"));
        command.addAll(List.of("-cp", classes, main));
        for (Path argument : images) command.add(argument.toString());
        return end(new ProcessBuilder(command), main);
    }

    private static Vireo.Result end(ProcessBuilder builder, String name) {
        try (Child child = Child.start(name, builder.directory(project.toFile()))) {
            int exit = child.awaitExit(Vireo.PATIENCE);
            return new Vireo.Result(exit, child.out(), child.err());
        }
    }

    @Test
    void theProgramOfTheReadmeReadsTheFirstSectorWithTheFlagsItNames() throws IOException {
        assertTrue(documented.contains(NATIVE + " " + UNSAFE), documented);
        Vireo.Result result = java(List.of(NATIVE, UNSAFE), readmeProgram, image);
        assertEquals(List.of("status 0: Hello from sector 0"), result.out(), result.stderr());
        assertEquals(0, result.exit(), result.stderr());
        assertEquals(List.of(), result.err(), "neither the JVM nor a library has anything to complain about");
    }

    @Test
    void twoInstancesLiveInOneJvmWithItsActorsAndItsLog() throws IOException {
        Vireo.Result result = java(List.of(NATIVE, UNSAFE), "com.example.TwoInstances", image, other);
        assertEquals(
                List.of("first status 0: Hello from sector 0", "second status 0: Hello from another",
                        "past the end status 1", "second, alone status 0: Hello from another", "actors live"),
                result.out(), result.stderr());
        assertEquals(0, result.exit(), result.stderr());
        assertEquals(List.of(), result.err());
        String log = Files.readString(project.resolve("vmm.log"));
        assertTrue(Pattern.compile("\\[WARN\\] io\\.vireo\\..*vda.*failed").matcher(log).find(), log);
    }

    @Test
    void missingFlagsAreNamedByOneException() throws IOException {
        assertRefused(List.of(), List.of(NATIVE, UNSAFE));
        assertRefused(List.of(NATIVE), List.of(UNSAFE));
        assertRefused(List.of(UNSAFE), List.of(NATIVE));
    }

    private static void assertRefused(List<String> given, List<String> missing) throws IOException {
        Vireo.Result result = java(given, readmeProgram, image);
        assertEquals(1, result.exit(), result.stdout() + result.stderr());
        String first = result.err().getFirst();
        assertTrue(first.startsWith("Exception in thread \"main\" java.lang.IllegalStateException: "), result.stderr());
        for (String flag : missing) assertTrue(first.contains(flag), result.stderr());
        for (String flag : given) assertFalse(first.contains(flag), result.stderr());
        assertFalse(result.stderr().contains("Caused by"), result.stderr());
    }
}
