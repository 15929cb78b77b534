package io.vireo.test;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleName;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleNameEndingWith;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import org.junit.jupiter.api.Test;

/** Who may know whom, read from the class files. Maven's module graph and enforcer hold the coarse part of it. */
final class ArchitectureTest {
    private static final JavaClasses OURS =
            new ClassFileImporter().withImportOption(new ImportOption.DoNotIncludeTests()).importPackages("io.vireo");

    private static final String[] SHELL = {
        "io.vireo.actors..", "io.vireo.config..", "io.vireo.monitoring..", "io.vireo.embed..", "io.vireo.daemon..",
        "akka..", "scala..", "com.typesafe..", "io.micrometer..", "io.prometheus.."
    };

    @Test
    void onlyPosixLinksNativeCode() {
        noClasses()
                .that().resideOutsideOfPackage("io.vireo.posix..")
                .should().dependOnClassesThat().areAssignableTo(Linker.class)
                .orShould().dependOnClassesThat().areAssignableTo(SymbolLookup.class)
                .orShould().dependOnClassesThat().resideInAnyPackage("jnr..", "com.kenai.jffi..", "sun.misc..")
                .check(OURS);
    }

    @Test
    void posixKnowsNothingElseOfOurs() {
        noClasses()
                .that().resideInAPackage("io.vireo.posix..")
                .should().dependOnClassesThat(resideInAPackage("io.vireo..").and(not(resideInAPackage("io.vireo.posix.."))))
                .check(OURS);
    }

    @Test
    void virtioKnowsNeitherStorageNorTheShell() {
        noClasses()
                .that().resideInAPackage("io.vireo.virtio..")
                .should().dependOnClassesThat(resideInAPackage("io.vireo.storage..").or(resideInAnyPackage(SHELL)))
                .check(OURS);
    }

    @Test
    void storageKnowsNeitherVirtioNorTheShell() {
        noClasses()
                .that().resideInAPackage("io.vireo.storage..")
                .should().dependOnClassesThat(resideInAPackage("io.vireo.virtio..").or(resideInAnyPackage(SHELL)))
                .check(OURS);
    }

    @Test
    void configAndMonitoringKnowNeitherAkkaNorEachOther() {
        noClasses()
                .that().resideInAnyPackage("io.vireo.config..", "io.vireo.monitoring..")
                .should().dependOnClassesThat().resideInAnyPackage("akka..", "scala..", "io.vireo.actors..")
                .check(OURS);
        noClasses()
                .that().resideInAPackage("io.vireo.config..")
                .should().dependOnClassesThat().resideInAnyPackage("io.vireo.monitoring..", "io.micrometer..")
                .check(OURS);
        noClasses()
                .that().resideInAPackage("io.vireo.monitoring..")
                .should().dependOnClassesThat().resideInAnyPackage("io.vireo.config..", "com.typesafe.config..")
                .check(OURS);
    }

    @Test
    void theDriverSideSharesOnlyTheSpecificationsConstantsWithTheDeviceSide() {
        noClasses()
                .that().resideInAPackage("io.vireo.virtio.driver..")
                .should().dependOnClassesThat(resideInAPackage("io.vireo..")
                        .and(not(resideInAnyPackage("io.vireo.virtio.driver..", "io.vireo.posix..")))
                        .and(not(simpleNameEndingWith("Layout")))
                        .and(not(simpleName("MessageType")))
                        .and(not(simpleName("ProtocolFeatures"))))
                .check(OURS);
        noClasses()
                .that().resideInAPackage("io.vireo..").and().resideOutsideOfPackages(
                        "io.vireo.virtio.driver..", "io.vireo.daemon..")
                .should().dependOnClassesThat().resideInAPackage("io.vireo.virtio.driver..")
                .check(OURS);
    }

    @Test
    void theDeviceSideAndStorageReadNoClock() {
        noClasses()
                .that().resideInAnyPackage("io.vireo.virtio.memory..", "io.vireo.virtio.queue..", "io.vireo.virtio.blk..",
                        "io.vireo.virtio.vhostuser..", "io.vireo.storage..")
                .should().callMethod(System.class, "nanoTime")
                .orShould().callMethod(System.class, "currentTimeMillis")
                .check(OURS);
    }

    @Test
    void theExampleKnowsTheEmbeddersApiOnly() {
        noClasses()
                .that().resideInAPackage("com.example.vmm..")
                .should().dependOnClassesThat(resideInAPackage("io.vireo..")
                        .and(not(resideInAPackage("io.vireo.embed.."))))
                .check(new ClassFileImporter().withImportOption(new ImportOption.DoNotIncludeTests()).importPackages("com.example.vmm"));
    }

    @Test
    void nothingWaitsForTimeToPass() {
        noClasses()
                .should().callMethod(Thread.class, "sleep", long.class)
                .orShould().callMethod(Thread.class, "sleep", java.time.Duration.class)
                .check(OURS);
    }

    @Test
    void onlyTheDaemonEndsTheProcess() {
        noClasses()
                .that().resideOutsideOfPackage("io.vireo.daemon..")
                .should().callMethod(System.class, "exit", int.class)
                .orShould().callMethod(Runtime.class, "halt", int.class)
                .orShould().callMethod(Runtime.class, "exit", int.class)
                .orShould().callMethod(Runtime.class, "addShutdownHook", Thread.class)
                .check(OURS);
    }
}
