package com.example.vmm;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sizes: bytes, or with K, M, G or T behind it powers of 1024. */
final class Sizes implements ITypeConverter<Long> {
    private static final Pattern SIZE = Pattern.compile("([1-9][0-9]{0,9})([KMGT]?)");

    static long parse(String text) {
        Matcher size = SIZE.matcher(text);
        if (!size.matches()) throw new TypeConversionException(text + " is no size, such as 512M");
        // At most 10 digits, 34 bits, and 40 bits of unit: refused by whoever is asked for so much, if it overflowed.
        int unit = size.group(2).isEmpty() ? 0 : " KMGT".indexOf(size.group(2));
        return Math.multiplyExact(Long.parseLong(size.group(1)), 1L << 10 * unit);
    }

    @Override
    public Long convert(String text) {
        return parse(text);
    }
}
