package io.vireo.actors.plane;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;

/** An ActorSystem of our own, for the daemon and for embedders who have none: it hooks nothing and never ends the JVM. */
public final class PrivateActorSystem {
    private static final Config SETTINGS = ConfigFactory.parseString("""
            akka {
              loggers = ["akka.event.slf4j.Slf4jLogger"]
              logging-filter = "akka.event.slf4j.Slf4jLoggingFilter"
              loglevel = "WARNING"
              log-dead-letters = off
              jvm-exit-on-fatal-error = off
              jvm-shutdown-hooks = off
              coordinated-shutdown.run-by-jvm-shutdown-hook = off
              coordinated-shutdown.exit-jvm = off
              scheduler.implementation = "io.vireo.actors.plane.SleepingScheduler"
              actor.default-dispatcher.fork-join-executor { parallelism-min = 1, parallelism-max = 2 }
              actor.internal-dispatcher.fork-join-executor { parallelism-min = 1, parallelism-max = 2 }
            }
            """);

    private PrivateActorSystem() {}

    public static ActorSystem<Void> start(String name) {
        // The library's own reference.conf, and nothing of the application that happens to be around.
        Config reference = ConfigFactory.defaultReference(PrivateActorSystem.class.getClassLoader());
        return ActorSystem.create(Behaviors.empty(), name, SETTINGS.withFallback(reference).resolve());
    }
}
