package io.vireo.config;

import com.typesafe.config.ConfigOrigin;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The library's origins, which are prose, as {@link Origin}s. */
final class Origins {
    static final String OVERRIDE = "--set ";

    private static final String MERGED = "merge of ";
    private static final Pattern LINE = Pattern.compile("(.*): ([0-9]{1,9})(?:-[0-9]+)?", Pattern.DOTALL);

    private Origins() {}

    static Origin of(ConfigOrigin origin, String path) {
        String place = place(origin);
        Matcher matcher = LINE.matcher(place);
        return matcher.matches()
                ? new Origin(matcher.group(1), Integer.parseInt(matcher.group(2)), path)
                : new Origin(place, 0, path);
    }

    /** Where relative paths start: the file's folder, or where we run when no file said it. */
    static Path folder(ConfigOrigin origin) {
        Path here = Path.of("");
        if (origin.filename() == null) return here;
        Path folder = Path.of(of(origin, "").file()).getParent();
        return folder == null ? here : folder;
    }

    /** Of a block that several places contributed to, the first that is not an override of a key within it. */
    private static String place(ConfigOrigin origin) {
        String description = origin.description();
        if (!description.startsWith(MERGED)) return description;
        String[] places = description.substring(MERGED.length()).split(",");
        for (String place : places) if (!place.startsWith(OVERRIDE)) return place;
        return places[0];
    }
}
