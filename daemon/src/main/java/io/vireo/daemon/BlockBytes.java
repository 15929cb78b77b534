package io.vireo.daemon;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The size of a request as fio writes it: bytes, or with k or m behind it powers of 1024. */
final class BlockBytes implements ITypeConverter<Integer> {
    private static final Pattern SIZE = Pattern.compile("([0-9]{1,7})([km]?)");
    private static final int SECTOR_BYTES = 512;
    private static final int MAX = 1 << 20;

    @Override
    public Integer convert(String text) {
        Matcher size = SIZE.matcher(text.toLowerCase(Locale.ROOT));
        if (!size.matches()) throw wrong(text);
        long bytes = Long.parseLong(size.group(1)) << shift(size.group(2));
        if (bytes < SECTOR_BYTES || bytes > MAX || bytes % SECTOR_BYTES != 0) throw wrong(text);
        return (int) bytes;
    }

    private static int shift(String unit) {
        return switch (unit) {
            case "k" -> 10;
            case "m" -> 20;
            default -> 0;
        };
    }

    private static TypeConversionException wrong(String text) {
        return new TypeConversionException(
                text + " is not a multiple of 512 up to 1m, such as 512, 4k, 128k or 1m");
    }
}
