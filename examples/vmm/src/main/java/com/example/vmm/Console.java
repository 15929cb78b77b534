package com.example.vmm;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** What is typed: the guest's, but for what follows a Ctrl-A, up to the end of the line. */
final class Console {
    private static final int ESCAPE = 'A' - '@';
    private static final int BACKSPACE = 0x7F;
    private static final String HELP = """
            info               what disks did, and how often the guest had to be left for it
            pause, resume
            snapshot FOLDER    pauses, and writes all but the images there; for --restore, once this one was quit
            resize DISK SIZE   SIZE as in 10G; the guest learns of it
            unplug DISK        after the guest has let go of it (docs/embedding.md says how)
            quit               as if the power had failed; disks are flushed
            Ctrl-A             gives a Ctrl-A to the guest
            """;

    private final Machine machine;
    private final InputStream in;
    private final boolean echo;

    Console(Machine machine, InputStream in, boolean echo) {
        this.machine = machine;
        this.in = in;
        this.echo = echo;
    }

    /** Reads until there is no more to read. */
    void run() {
        try {
            for (int key = in.read(); key >= 0; key = in.read()) {
                if (key == ESCAPE) readCommand();
                else machine.type((byte) key);
            }
        } catch (IOException e) {
            say("no more input: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void readCommand() throws IOException, InterruptedException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        if (echo) prompt("\r\n(vm) ");
        for (int key = in.read(); key >= 0 && key != '\r' && key != '\n'; key = in.read()) {
            if (key == ESCAPE) {
                machine.type((byte) key);
                return;
            }
            byte[] before = line.toByteArray();
            if (key != BACKSPACE) {
                line.write(key);
                if (echo) prompt(Character.toString(key));
            } else if (before.length > 0) {
                line.reset();
                line.write(before, 0, before.length - 1);
                if (echo) prompt("\b \b");
            }
        }
        if (echo) prompt("\r\n");
        try {
            execute(line.toString(StandardCharsets.UTF_8).strip().split("\\s+"));
        } catch (RuntimeException | IOException e) {
            say(String.valueOf(e.getMessage()));
        }
    }

    private void execute(String[] words) throws InterruptedException, IOException {
        switch (words[0] + " " + (words.length - 1)) {
            case "info 0" -> machine.disks().forEach(disk -> say(disk.figures()));
            case "pause 0" -> machine.pause();
            case "resume 0" -> machine.resume();
            case "snapshot 1" -> machine.save(Path.of(words[1]));
            case "resize 2" -> machine.resize(words[1], Sizes.parse(words[2]));
            case "unplug 1" -> machine.unplug(words[1]);
            case "quit 0" -> machine.quit();
            default -> {
                say(HELP);
                return;
            }
        }
        say(String.join(" ", words) + ": done");
    }

    private static void prompt(String text) {
        System.err.print(text);
    }

    private static void say(String text) {
        text.lines().forEach(line -> System.err.println("vm: " + line));
    }
}
