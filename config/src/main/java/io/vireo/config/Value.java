package io.vireo.config;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the text of a key may say, and what it means. HOCON's own types do not matter here: {@code 256} and
 * {@code "256"} say the same, as they must, since a substitution from the environment is always a string.
 */
@FunctionalInterface
interface Value<T> {
    T parse(String text);

    /** The text is wrong. Caught where file and line are known. */
    final class Refused extends RuntimeException {
        final String allowed;

        Refused(String what, String allowed) {
            super(what, null, false, false);
            this.allowed = allowed;
        }
    }

    /** No control characters: every text ends in a log line, a metric or a system call. */
    static Value<String> text() {
        return text -> {
            if (!text.isEmpty() && text.chars().noneMatch(Character::isISOControl)) return text;
            throw new Refused(
                    text.isEmpty() ? "is empty" : "has a control character in it", "allowed: any other text");
        };
    }

    static Value<Boolean> flag() {
        return text -> switch (text) {
            case "on", "true" -> true;
            case "off", "false" -> false;
            default -> throw new Refused("'" + text + "' is not a switch", "allowed: on, off, true, false");
        };
    }

    static Value<Integer> integer(int min, int max) {
        return text -> {
            if (text.matches("-?[0-9]{1,10}")) {
                long number = Long.parseLong(text);
                if (min <= number && number <= max) return (int) number;
            }
            throw new Refused("'" + text + "' is not a number in range", "allowed: " + min + " to " + max);
        };
    }

    static Value<Integer> powerOfTwo(int min, int max) {
        return text -> {
            String allowed = "allowed: a power of two from " + min + " to " + max;
            if (text.matches("[0-9]{1,10}")) {
                long number = Long.parseLong(text);
                if (min <= number && number <= max && Long.bitCount(number) == 1) return (int) number;
            }
            throw new Refused("'" + text + "' is not a power of two in range", allowed);
        };
    }

    /** Permission bits, as chmod takes them. */
    static Value<Integer> mode() {
        return text -> {
            if (text.matches("0?[0-7]{3}")) return Integer.parseInt(text, 8);
            throw new Refused("'" + text + "' is not a mode", "allowed: three octal digits, as in \"0660\"");
        };
    }

    static Value<Duration> duration(Duration max) {
        Pattern form = Pattern.compile("([0-9]{1,19}(?:\\.[0-9]{1,9})?)\\s*(ns|us|ms|s|m|h)");
        return text -> {
            String allowed = "allowed: 0 to " + text(max) + ", with a unit: ns, us, ms, s, m, h, as in 32us";
            if (text.equals("0")) return Duration.ZERO;
            Matcher matcher = form.matcher(text);
            if (!matcher.matches()) {
                boolean bare = text.matches("[0-9.]+");
                throw new Refused("'" + text + "' " + (bare ? "has no unit" : "is not a duration"), allowed);
            }
            BigDecimal nanos = new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(nanosOf(matcher.group(2))));
            if (nanos.compareTo(BigDecimal.valueOf(max.toNanos())) <= 0) return Duration.ofNanos(nanos.longValue());
            throw new Refused("'" + text + "' is too long", allowed);
        };
    }

    private static String text(Duration max) {
        return max.toMinutes() == 0 ? max.toSeconds() + "s" : max.toHours() == 0 ? max.toMinutes() + "m"
                : max.toHours() + "h";
    }

    private static long nanosOf(String unit) {
        return switch (unit) {
            case "ns" -> 1;
            case "us" -> 1_000;
            case "ms" -> 1_000_000;
            case "s" -> 1_000_000_000L;
            case "m" -> 60_000_000_000L;
            default -> 3_600_000_000_000L;
        };
    }

    /** A multiple of 512 bytes; K, M, G and so on are powers of 1024, as QEMU reads them. */
    static Value<Long> sectors(long minBytes) {
        Value<Long> bytes = bytes(minBytes);
        return text -> {
            long size = bytes.parse(text);
            if (size % 512 == 0) return size;
            throw new Refused("'" + text + "' is not a multiple of 512 bytes", "allowed: whole sectors, as in 1G");
        };
    }

    static Value<Long> bytes(long minBytes) {
        Pattern form = Pattern.compile("([0-9]{1,19}(?:\\.[0-9]{1,9})?)\\s*(?:([KMGTPEkmgtpe])(?:iB)?|[Bb]?)");
        BigDecimal max = BigDecimal.valueOf(Long.MAX_VALUE);
        return text -> {
            String allowed =
                    "allowed: bytes from " + minBytes + ", with K, M, G, T as powers of 1024, as in 512K or 1GiB";
            Matcher matcher = form.matcher(text);
            if (!matcher.matches()) throw new Refused("'" + text + "' is not a size", allowed);
            int power = matcher.group(2) == null ? 0 : "KMGTPE".indexOf(matcher.group(2).toUpperCase(Locale.ROOT)) + 1;
            BigDecimal size = new BigDecimal(matcher.group(1)).multiply(BigDecimal.TWO.pow(10 * power));
            if (size.compareTo(max) <= 0 && size.longValue() >= minBytes) return size.longValue();
            throw new Refused("'" + text + "' is out of range", allowed);
        };
    }

    /** QEMU's words for the constants of an enum: in lower case. */
    static <E extends Enum<E>> Value<E> word(String kind, Class<E> type) {
        List<String> words =
                Arrays.stream(type.getEnumConstants()).map(word -> word.name().toLowerCase(Locale.ROOT)).toList();
        return text -> Enum.valueOf(type, word(kind, words).parse(text).toUpperCase(Locale.ROOT));
    }

    static Value<String> word(String kind, Collection<String> words) {
        return text -> {
            if (words.contains(text)) return text;
            throw new Refused("unknown " + kind + " '" + text + "'", choices(text, words));
        };
    }

    /** A word that has company in a later version. */
    static Value<String> word(String kind, String now, List<String> later) {
        return text -> {
            if (later.contains(text)) throw notYet(text, List.of(now));
            return word(kind, List.of(now)).parse(text);
        };
    }

    /** The name of something described elsewhere. */
    static Value<String> reference(String kind, Collection<String> names) {
        return text -> {
            if (names.contains(text)) return text;
            String allowed = names.isEmpty() ? "there is none" : choices(text, names);
            throw new Refused("there is no " + kind + " '" + text + "'", allowed);
        };
    }

    static String choices(String wrong, Collection<String> names) {
        return Nearest.question(wrong, names) + "allowed: " + String.join(", ", Nearest.first(wrong, names));
    }

    private static Refused notYet(String text, Collection<String> now) {
        return new Refused("'" + text + "' is not available in this version", "allowed: " + String.join(", ", now));
    }
}
