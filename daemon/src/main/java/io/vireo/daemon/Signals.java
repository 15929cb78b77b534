package io.vireo.daemon;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.concurrent.CompletableFuture;

/**
 * SIGTERM, SIGINT and SIGHUP, taken from the JVM: its own way out ends with status 143 and cannot say which signal it was.
 * One that the caller had ignored, as nohup does, stays ignored.
 *
 * <p>By reflection, since the compiler warns of {@code sun.misc.Signal} and has no way to be told that it is meant.
 */
final class Signals {
    private static final Signals OF_PROCESS = new Signals();

    private final CompletableFuture<String> first = new CompletableFuture<>();

    private Signals() {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            for (String name : new String[] {"TERM", "INT", "HUP"}) {
                InvocationHandler received = (_, _, _) -> {
                    first.complete("SIG" + name);
                    return null;
                };
                Object taken = Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, received);
                signal.getMethod("handle", signal, handler)
                        .invoke(null, signal.getConstructor(String.class).newInstance(name), taken);
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this JVM does not let go of its signals", e);
        }
    }

    /** From the first call on, they wait here instead of ending the process. */
    static Signals ofProcess() {
        return OF_PROCESS;
    }

    /** Waits for the first of them and names it. */
    String await() {
        return first.join();
    }
}
