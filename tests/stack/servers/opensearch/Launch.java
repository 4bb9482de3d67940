import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;

/** One OpenSearch node on the loopback, with the modules that the tests use: `Launch HOME PORT`. */
public final class Launch extends Node {
    private static final List<Class<? extends Plugin>> MODULES =
            List.of(
                    org.opensearch.transport.Netty4Plugin.class,
                    org.opensearch.ingest.common.IngestCommonPlugin.class,
                    org.opensearch.painless.PainlessPlugin.class,
                    org.opensearch.script.mustache.MustachePlugin.class,
                    org.opensearch.analysis.common.CommonAnalysisPlugin.class,
                    org.opensearch.index.mapper.MapperExtrasPlugin.class);

    private Launch(Environment environment) {
        super(environment, MODULES, false);
    }

    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]).toAbsolutePath();
        int port = Integer.parseInt(arguments[1]);
        for (String folder : List.of("config", "data", "logs", "modules", "plugins", "lib")) {
            Files.createDirectories(home.resolve(folder));
        }
        Settings settings =
                Settings.builder()
                        .put("path.home", home.toString())
                        .put("path.repo", home.resolve("snapshots").toString())
                        .put("cluster.name", "tests")
                        .put("node.name", "node")
                        .put("network.host", "127.0.0.1")
                        .put("http.port", port)
                        .put("transport.port", 0)
                        .put("discovery.type", "single-node")
                        .put("http.type", "netty4")
                        .put("transport.type", "netty4")
                        .put("cluster.routing.allocation.disk.threshold_enabled", false)
                        .build();
        Node node = new Launch(new Environment(settings, home.resolve("config")));
        node.start();
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (Exception error) {
                System.err.println(error);
            }
            ended.countDown();
        }));
        ended.await();
    }
}
