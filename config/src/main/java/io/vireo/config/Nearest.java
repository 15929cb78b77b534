package io.vireo.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Which of the names that exist a wrong one was probably meant to be. */
final class Nearest {
    private Nearest() {}

    /**
     * All of them: first those that are like it, the most similar first, then the others by the alphabet. Of names that are
     * not alike the distance says hardly more than how long they are.
     */
    static List<String> first(String wrong, Collection<String> names) {
        return names.stream()
                .sorted(Comparator.comparingInt((String name) -> isLike(wrong, name) ? distance(wrong, name) : Integer.MAX_VALUE)
                        .thenComparing(name -> name))
                .toList();
    }

    /** The most similar one, when it is similar enough to be worth asking about. */
    static Optional<String> guess(String wrong, Collection<String> names) {
        return first(wrong, names).stream().findFirst()
                .filter(name -> isLike(wrong, name));
    }

    private static boolean isLike(String wrong, String name) {
        if (wrong.length() > 2 && (name.startsWith(wrong) || wrong.startsWith(name))) return true;
        int distance = distance(wrong, name);
        return distance <= Math.max(2, name.length() / 3) && distance < name.length();
    }

    /** The guess as a question, for the front of a list of what is allowed; empty without one. */
    static String question(String wrong, Collection<String> names) {
        return guess(wrong, names).map(name -> "did you mean " + name + "? ").orElse("");
    }

    /** Insertions, deletions and replacements between two names, of which only the first 64 characters count. */
    private static int distance(String from, String to) {
        String a = head(from);
        String b = head(to);
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) row[j] = j;
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }

    private static String head(String name) {
        return name.length() <= 64 ? name : name.substring(0, 64);
    }
}
