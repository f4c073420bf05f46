import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.metadata.MetadataRecordSerde;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.serialization.BytesApiMessageSerde;

/**
 * Writes a record of each type into Kafka's own topics with Kafka's own classes, as brokers do,
 * at every version of its value. Prints topic, key in hex ("-" without), value in hex, name of
 * the value, version, and the value's JSON, separated by tabs. Needs Kafka 4.1 or later.
 *
 * Usage: java -cp 'lib/*' Records.java
 */
public class Records {
    static final ObjectMapper MAPPER = new ObjectMapper().configure(JsonParser.Feature.ALLOW_COMMENTS, true);
    static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    static final Map<String, String> CONVERTERS = new HashMap<>();
    static int counter;

    public static void main(String[] args) throws Exception {
        Map<String, Map<String, JsonNode>> jars = new TreeMap<>();
        for (String path : System.getProperty("java.class.path").split(java.io.File.pathSeparator)) {
            String jarName = path.replaceAll(".*[/\\\\]", "");
            if (!jarName.startsWith("kafka")) continue;
            try (JarFile jar = new JarFile(path)) {
                for (Enumeration<JarEntry> e = jar.entries(); e.hasMoreElements();) {
                    JarEntry entry = e.nextElement();
                    String name = entry.getName();
                    if (name.matches("(common/message|common/metadata|message)/[^/]*\\.json")) {
                        JsonNode d = MAPPER.readTree(jar.getInputStream(entry));
                        jars.computeIfAbsent(jarName.replaceAll("^kafka-|-[0-9.]+\\.jar$", ""), k -> new TreeMap<>()).put(d.get("name").asText(), d);
                    }
                    if (name.matches("[^$]*JsonConverter\\.class")) {
                        String type = name.substring(0, name.length() - ".class".length()).replace('/', '.');
                        CONVERTERS.put(type.substring(type.lastIndexOf('.') + 1), type);
                    }
                }
            }
        }
        keyed("__consumer_offsets", jars.get("group-coordinator"));
        keyed("__transaction_state", jars.get("transaction-coordinator"));
        keyed("__share_group_state", jars.get("share-coordinator"));
        for (JsonNode d : jars.get("metadata").values()) {
            for (int v : versions(d)) {
                ObjectNode json = struct(d, d.get("fields"), v);
                ApiMessageAndVersion record = new ApiMessageAndVersion(read(d, json, v), (short) v);
                ObjectSerializationCache cache = new ObjectSerializationCache();
                ByteBuffer buffer = ByteBuffer.allocate(MetadataRecordSerde.INSTANCE.recordSize(record, cache));
                MetadataRecordSerde.INSTANCE.write(record, cache, new ByteBufferAccessor(buffer));
                print("__cluster_metadata", "-", hex(buffer.array()), d, v, json);
            }
        }
        BytesApiMessageSerde remote = new BytesApiMessageSerde() {
            @Override public ApiMessage apiMessageFor(short apiKey) { throw new IllegalStateException(); }
        };
        for (JsonNode d : jars.get("storage").values()) {
            if (!d.get("type").asText().equals("metadata")) continue;
            for (int v : versions(d)) {
                ObjectNode json = struct(d, d.get("fields"), v);
                byte[] bytes = remote.serialize(new ApiMessageAndVersion(read(d, json, v), (short) v));
                print("__remote_log_metadata", "-", hex(bytes), d, v, json);
            }
        }
        OUT.flush();
    }

    static void keyed(String topic, Map<String, JsonNode> definitions) throws Exception {
        for (JsonNode key : definitions.values()) {
            if (!key.get("type").asText().equals("coordinator-key")) continue;
            JsonNode value = definitions.get(key.get("name").asText().replaceAll("Key$", "Value"));
            for (int v : versions(value)) {
                byte[] keyBytes = MessageUtil.toCoordinatorTypePrefixedBytes(read(key, struct(key, key.get("fields"), 0), 0));
                ObjectNode json = struct(value, value.get("fields"), v);
                byte[] valueBytes = MessageUtil.toVersionPrefixedBytes((short) v, read(value, json, v));
                print(topic, hex(keyBytes), hex(valueBytes), value, v, json);
            }
        }
    }

    static void print(String topic, String key, String value, JsonNode d, int v, ObjectNode json) throws Exception {
        OUT.println(topic + "\t" + key + "\t" + value + "\t" + d.get("name").asText() + "\t" + v + "\t" + MAPPER.writeValueAsString(json));
    }

    static ApiMessage read(JsonNode d, ObjectNode json, int v) throws Exception {
        Method read = Class.forName(CONVERTERS.get(d.get("name").asText() + "JsonConverter")).getMethod("read", JsonNode.class, short.class);
        return (ApiMessage) read.invoke(null, json, (short) v);
    }

    static int[] versions(JsonNode d) {
        int[] r = range(d.get("validVersions").asText());
        return r == null ? new int[0] : java.util.stream.IntStream.rangeClosed(r[0], r[1]).toArray();
    }

    static ObjectNode struct(JsonNode message, JsonNode fields, int v) {
        ObjectNode node = JSON.objectNode();
        for (JsonNode f : fields) {
            String versions = f.path("versions").asText("");
            if (!in(range(versions.isEmpty() ? f.path("taggedVersions").asText("none") : versions), v)) continue;
            String name = f.get("name").asText();
            node.set(Character.toLowerCase(name.charAt(0)) + name.substring(1), value(message, f, f.get("type").asText(), v));
        }
        return node;
    }

    static JsonNode value(JsonNode message, JsonNode f, String type, int v) {
        int n = ++counter;
        if (type.startsWith("[]")) {
            ArrayNode array = JSON.arrayNode();
            return array.add(value(message, f, type.substring(2), v));
        }
        switch (type) {
            case "bool": return JSON.booleanNode(true);
            case "int8": return JSON.numberNode((byte) (n % 100 + 1));
            case "int16": case "uint16": return JSON.numberNode((short) (n % 10000 + 1));
            case "int32": return JSON.numberNode(n);
            case "uint32": case "int64": return JSON.numberNode((long) n * 100000);
            case "float64": return JSON.numberNode(n + 0.5);
            case "uuid": return JSON.textNode(String.format("%021dA", n));
            case "string": return JSON.textNode("text-" + n);
            case "bytes": return JSON.textNode("AQID");
            default:
                for (JsonNode common : message.path("commonStructs")) {
                    if (common.get("name").asText().equals(type)) return struct(message, common.get("fields"), v);
                }
                return struct(message, f.get("fields"), v);
        }
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
