package io.vireo.daemon;

import io.vireo.monitoring.qmp.JsonText;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "top",
        description = "Shows, second by second, what a running daemon's devices and IOThreads do.",
        mixinStandardHelpOptions = true)
final class TopCommand implements Callable<Integer> {
    private static final String CLEAR_SCREEN = "\033[H\033[2J";

    @Mixin
    private ControlOption control;

    @Option(names = "-n", paramLabel = "COUNT", defaultValue = "0", description = "ends after so many seconds (default: never)")
    private int count;

    @Option(names = "--json", description = "prints a JSON object a line instead of a table")
    private boolean json;

    @Override
    public Integer call() throws InterruptedException {
        if (count < 0) throw new OperatorException(ExitStatus.USAGE, "-n " + count + " is less than 0");
        boolean live = !json && System.console() != null && System.console().isTerminal();
        CountDownLatch never = new CountDownLatch(1);
        try (QmpClient client = control.connect()) {
            Map<?, ?> before = (Map<?, ?>) client.execute("query-counters", Map.of());
            for (int shown = 0; count == 0 || shown < count; shown++) {
                never.await(1, TimeUnit.SECONDS);
                Map<?, ?> after = (Map<?, ?>) client.execute("query-counters", Map.of());
                TopInterval interval = new TopInterval(before, after);
                if (json) System.out.println(JsonText.of(interval.json()));
                else System.out.print((live ? CLEAR_SCREEN : shown > 0 ? "\n" : "") + interval.table());
                System.out.flush();
                if (System.out.checkError()) break; // whoever read this has gone
                before = after;
            }
        }
        return ExitStatus.DONE;
    }
}
