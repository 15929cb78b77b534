package io.vireo.test.guest;

/** Somebody who prints lines and reads some: a guest's job, a command loop. Closing ends it. */
interface Shell extends AutoCloseable {
    /** Waits for a line that begins with this word, after the last one that was waited for; answers what follows it. */
    String await(String word);

    /** A line for it to read. */
    void tell(String line);

    @Override
    void close();
}
