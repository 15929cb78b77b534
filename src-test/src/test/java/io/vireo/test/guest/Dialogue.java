package io.vireo.test.guest;

import io.vireo.test.Child;
import java.time.Duration;

/** With a process that prints what is waited for and reads what it is told. */
final class Dialogue implements Shell {
    private final Child child;
    private final Duration patience;
    private int linesSeen;

    Dialogue(Child child, Duration patience) {
        this.child = child;
        this.patience = patience;
    }

    @Override
    public String await(String word) {
        int index = child.awaitOut(linesSeen, l -> l.equals(word) || l.startsWith(word + " "), word, patience);
        linesSeen = index + 1;
        return child.out().get(index).substring(word.length()).strip();
    }

    @Override
    public void tell(String line) {
        child.tell(line);
    }

    @Override
    public void close() {
        child.close();
    }
}
