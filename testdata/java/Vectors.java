import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/**
 * Makes vectors with Kafka's own classes: for every message and version of the release on the
 * class path, random JSON is read by the message's converter, written by its class, read back
 * and written again. Prints name, version, JSON and hex, separated by tabs.
 *
 * Usage: java -cp 'lib/*' Vectors.java COUNT
 */
public class Vectors {
    static final ObjectMapper MAPPER = new ObjectMapper()
        .configure(JsonParser.Feature.ALLOW_COMMENTS, true);
    static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    public static void main(String[] args) throws Exception {
        int count = Integer.parseInt(args[0]);
        for (String path : System.getProperty("java.class.path").split(java.io.File.pathSeparator)) {
            if (!path.matches(".*kafka[^/\\\\]*\\.jar")) continue;
            try (JarFile jar = new JarFile(path)) {
                List<String> definitions = new ArrayList<>();
                Map<String, String> converters = new HashMap<>(); // class names by message
                for (Enumeration<JarEntry> e = jar.entries(); e.hasMoreElements();) {
                    String name = e.nextElement().getName();
                    if (name.matches("(common/message|common/metadata|message)/[^/]*\\.json")) definitions.add(name);
                    if (name.matches("[^$]*JsonConverter\\.class")) {
                        String type = name.substring(0, name.length() - ".class".length()).replace('/', '.');
                        converters.put(type.substring(type.lastIndexOf('.') + 1), type);
                    }
                }
                Collections.sort(definitions);
                for (String d : definitions) {
                    JsonNode definition = MAPPER.readTree(jar.getInputStream(jar.getEntry(d)));
                    new Vectors(definition, converters).print(count);
                }
            }
        }
        OUT.flush();
        if (OUT.checkError()) throw new IllegalStateException("cannot write");
    }

    final JsonNode definition;
    final Map<String, String> converters;
    final Map<String, JsonNode> commons = new HashMap<>();
    Random random;
    int style; // 0: as empty as can be, 1: full, others: anything

    Vectors(JsonNode definition, Map<String, String> converters) {
        this.definition = definition;
        this.converters = converters;
        for (JsonNode s : definition.path("commonStructs")) commons.put(s.get("name").asText(), s);
    }

    void print(int count) throws Exception {
        String name = definition.get("name").asText();
        int[] valid = range(definition.get("validVersions").asText());
        if (valid == null) return;
        String type = definition.get("type").asText();
        boolean data = type.equals("request") || type.equals("response") || type.equals("header");
        String javaName = name + (data ? "Data" : "");
        String converterName = converters.get(javaName + "JsonConverter");
        if (converterName == null) throw new IllegalStateException("no converter for " + name);
        Class<?> converter = Class.forName(converterName);
        Class<?> messageClass = Class.forName(converterName.substring(0, converterName.length() - "JsonConverter".length()));
        Method read = converter.getMethod("read", JsonNode.class, short.class);
        for (int v = valid[0]; v <= valid[1]; v++) {
            for (int i = 0; i < count; i++) {
                random = new Random(31L * name.hashCode() + 1000L * v + i);
                style = i;
                ObjectNode json = struct(definition.get("fields"), v);
                Message message = (Message) read.invoke(null, json, (short) v);
                byte[] bytes = write(message, v);
                Message again = (Message) messageClass.getDeclaredConstructor().newInstance();
                ByteBuffer buffer = ByteBuffer.wrap(bytes);
                again.read(new ByteBufferAccessor(buffer), (short) v);
                if (buffer.hasRemaining()) throw new IllegalStateException(name + " " + v + " leaves bytes");
                if (!java.util.Arrays.equals(bytes, write(again, v))) throw new IllegalStateException(name + " " + v + " differs");
                OUT.println(name + "\t" + v + "\t" + MAPPER.writeValueAsString(json) + "\t" + hex(bytes));
            }
        }
    }

    static byte[] write(Message message, int version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, (short) version));
        message.write(new ByteBufferAccessor(buffer), cache, (short) version);
        return buffer.array();
    }

    ObjectNode struct(JsonNode fields, int v) {
        ObjectNode node = JSON.objectNode();
        for (JsonNode f : fields) {
            int[] tagged = range(f.path("taggedVersions").asText("none"));
            String versions = f.path("versions").asText("");
            int[] present = versions.isEmpty() ? tagged : range(versions);
            if (!in(present, v)) continue;
            boolean isTagged = in(tagged, v);
            if (isTagged && (style == 0 || style > 1 && random.nextInt(3) == 0)) continue;
            String name = f.get("name").asText();
            String lower = Character.toLowerCase(name.charAt(0)) + name.substring(1);
            boolean nullable = in(range(f.path("nullableVersions").asText("none")), v);
            JsonNode value = nullable && (style == 0 || style > 1 && random.nextInt(3) == 0)
                ? JSON.nullNode() : value(f, f.get("type").asText(), v);
            if (isTagged && isDefault(f, value)) continue; // not written, so not told
            node.set(lower, value);
        }
        return node;
    }

    static boolean isDefault(JsonNode f, JsonNode value) {
        String d = f.path("default").isNull() ? "" : f.path("default").asText("");
        if (value.isNull()) return d.equals("null");
        if (value.isArray()) return value.isEmpty() && !d.equals("null");
        if (value.isObject()) return false; // rare; our side omits it too if it is the default
        String type = f.get("type").asText();
        if (value.isTextual()) {
            if (type.equals("uuid") && d.isEmpty()) return value.asText().equals("AAAAAAAAAAAAAAAAAAAAAA");
            return value.asText().equals(d) && !(d.equals("null"));
        }
        if (value.isBoolean()) return value.asBoolean() == d.equalsIgnoreCase("true");
        if (value.isDouble()) return value.asDouble() == (d.isEmpty() ? 0 : Double.parseDouble(d));
        return value.asLong() == (d.isEmpty() ? 0 : Long.decode(d));
    }

    JsonNode value(JsonNode f, String type, int v) {
        if (type.startsWith("[]")) {
            ArrayNode array = JSON.arrayNode();
            int n = style == 0 ? 0 : style == 1 ? 1 + random.nextInt(2) : random.nextInt(4);
            for (int i = 0; i < n; i++) array.add(value(f, type.substring(2), v));
            return array;
        }
        switch (type) {
            case "bool": return JSON.booleanNode(style > 0 && random.nextBoolean());
            case "int8": return JSON.numberNode((byte) number(Byte.MIN_VALUE, Byte.MAX_VALUE));
            case "int16": return JSON.numberNode((short) number(Short.MIN_VALUE, Short.MAX_VALUE));
            case "uint16": return JSON.numberNode((int) number(0, 65535));
            case "int32": return JSON.numberNode((int) number(Integer.MIN_VALUE, Integer.MAX_VALUE));
            case "uint32": return JSON.numberNode(number(0, 4294967295L));
            case "int64": return JSON.numberNode(number(Long.MIN_VALUE, Long.MAX_VALUE));
            case "float64": return JSON.numberNode(style == 0 ? 0.0 : random.nextGaussian() * 1e6);
            case "uuid": return JSON.textNode(Base64.getUrlEncoder().withoutPadding().encodeToString(bytes(16, style == 0)));
            case "string": return JSON.textNode(text());
            case "bytes":
            case "records": return JSON.textNode(Base64.getEncoder().encodeToString(bytes(length(), false)));
            default:
                JsonNode common = commons.get(type);
                return struct(common == null ? f.get("fields") : common.get("fields"), v);
        }
    }

    long number(long low, long high) {
        if (style == 0) return 0;
        switch (style > 1 ? random.nextInt(6) : 3) {
            case 0: return low;
            case 1: return high;
            case 2: return low < 0 ? -1 : 0;
            default:
                long span = high - low;
                long n = random.nextLong() & Long.MAX_VALUE;
                return span <= 0 ? random.nextLong() : low + n % (span + 1);
        }
    }

    /** Mostly short, at times long enough for a length of two bytes. */
    int length() {
        if (style == 0) return 0;
        return random.nextInt(12) == 0 ? 120 + random.nextInt(20) : random.nextInt(12);
    }

    byte[] bytes(int n, boolean zero) {
        byte[] b = new byte[n];
        if (!zero) random.nextBytes(b);
        return b;
    }

    static final String LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.\u00e4\u4e16\ud83d\ude00\"\\\n";

    String text() {
        int[] letters = LETTERS.codePoints().toArray();
        StringBuilder b = new StringBuilder();
        for (int n = length(); n > 0; n--) b.appendCodePoint(letters[random.nextInt(letters.length)]);
        return b.toString();
    }

    static int[] range(String s) {
        s = s.trim();
        if (s.isEmpty() || s.equals("none")) return null;
        if (s.endsWith("+")) return new int[] {Integer.parseInt(s.substring(0, s.length() - 1)), Short.MAX_VALUE};
        int dash = s.indexOf('-');
        if (dash < 0) return new int[] {Integer.parseInt(s), Integer.parseInt(s)};
        return new int[] {Integer.parseInt(s.substring(0, dash)), Integer.parseInt(s.substring(dash + 1))};
    }

    static boolean in(int[] range, int v) { return range != null && range[0] <= v && v <= range[1]; }

    static String hex(byte[] b) {
        StringBuilder s = new StringBuilder();
        for (byte x : b) s.append(Character.forDigit(x >> 4 & 15, 16)).append(Character.forDigit(x & 15, 16));
        return s.toString();
    }
}
