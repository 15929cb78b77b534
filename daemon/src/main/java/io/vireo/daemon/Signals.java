package io.vireo.daemon;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.concurrent.CompletableFuture;

/**
 * SIGTERM and SIGINT, taken from the JVM: its own way out ends with status 143 and cannot say which signal it was.
 *
 * <p>By reflection, since the compiler warns of {@code sun.misc.Signal} and has no way to be told that it is meant.
 */
final class Signals {
    private final CompletableFuture<String> first = new CompletableFuture<>();

    Signals() {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            for (String name : new String[] {"TERM", "INT"}) {
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

    /** Waits for the first of them and names it. */
    String await() {
        return first.join();
    }
}
