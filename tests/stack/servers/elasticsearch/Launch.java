import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/** One node of Elasticsearch: `Launch HOME NAME=VALUE...`, its settings. HOME has modules/ and config/. */
public final class Launch {
    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]).toAbsolutePath();
        System.setProperty("es.path.conf", home.resolve("config").toString());
        for (String folder : List.of("config", "data", "logs", "modules", "plugins", "lib")) {
            Files.createDirectories(home.resolve(folder));
        }
        LogConfigurator.configureESLogging();
        Settings.Builder settings =
                Settings.builder()
                        .put("path.home", home.toString())
                        .put("http.type", "netty4")
                        .put("transport.type", "netty4");
        for (int index = 1; index < arguments.length; index++) {
            String[] setting = arguments[index].split("=", 2);
            settings.put(setting[0], setting[1]);
        }
        Environment environment = new Environment(settings.build(), home.resolve("config"));
        PluginsLoader plugins =
                PluginsLoader.createPluginsLoader(
                        PluginsLoader.loadModulesBundles(home.resolve("modules")),
                        PluginsLoader.loadPluginsBundles(home.resolve("plugins")),
                        Map.of(),
                        false);
        Node node = new Node(environment, plugins);
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
