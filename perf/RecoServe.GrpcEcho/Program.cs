using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using RecoServe.Contracts.V1;
using RecoServe.GrpcEcho;

if (args is not [var file])
{
    Console.Error.WriteLine("usage: grpc-echo FILE, a serialised RecommendResponse that is to be every answer");
    return 2;
}

var builder = WebApplication.CreateSlimBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Services.AddSingleton(RecommendResponse.Parser.ParseFrom(File.ReadAllBytes(file)));
builder.Services.AddGrpc();
builder.WebHost.ConfigureKestrel(kestrel =>
{
    // As the server has it: the two shall differ in what they compute and in nothing else.
    kestrel.Limits.Http2.MaxStreamsPerConnection = 1024;
    kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
});
await using var app = builder.Build();
app.MapGrpcService<EchoService>();
await app.StartAsync();
Console.WriteLine($"  gRPC     {app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()}");
await app.WaitForShutdownAsync();
return 0;
