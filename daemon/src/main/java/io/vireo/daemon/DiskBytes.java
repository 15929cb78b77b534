package io.vireo.daemon;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The size of a disk: bytes, or with K, M, G or T behind it powers of 1024. */
final class DiskBytes implements ITypeConverter<Long> {
    private static final Pattern SIZE = Pattern.compile("([1-9][0-9]{0,18})([KMGTkmgt]?)");

    @Override
    public Long convert(String text) {
        Matcher size = SIZE.matcher(text);
        if (size.matches()) {
            int shift = size.group(2).isEmpty() ? 0 : 10 + 10 * "KMGT".indexOf(Character.toUpperCase(size.group(2).charAt(0)));
            try {
                return Math.multiplyExact(Long.parseLong(size.group(1)), 1L << shift);
            } catch (ArithmeticException | NumberFormatException e) {
                // said below, as for what is no number
            }
        }
        throw new TypeConversionException(text + " is not a size, such as 10G or 10737418240");
    }
}
