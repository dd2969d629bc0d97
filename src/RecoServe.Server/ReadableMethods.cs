using System.Reflection;
using Google.Protobuf;
using Google.Rpc;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace RecoServe.Server;

/// <summary>
/// Binds the methods of a service as gRPC for ASP.NET Core does, except that a message which is no protobuf ends the call as
/// INVALID_ARGUMENT, and that memory is taken for what a message becomes (<see cref="MeasuredBody"/>). It reads messages before any interceptor, and calls UNKNOWN, with a stack in the log, whatever goes wrong there.
/// </summary>
/// <typeparam name="TService">The service: derived from the base class that the compiler of protobufs has made.</typeparam>
internal sealed class ReadableMethods<TService> : IServiceMethodProvider<TService>
    where TService : class
{
    /// <inheritdoc/>
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<TService> context)
    {
        var bind = typeof(TService).GetCustomAttribute<BindServiceMethodAttribute>(inherit: true)
            ?? throw new InvalidOperationException($"{typeof(TService)} is derived from no generated service");
        var method = bind.BindType.GetMethods(BindingFlags.Public | BindingFlags.Static)
            .Single(m => m.Name == bind.BindMethodName && m.GetParameters() is [{ } binder, _] && binder.ParameterType == typeof(ServiceBinderBase));
        method.Invoke(null, [new Binder(context), null]);
    }

    private sealed class Binder(ServiceMethodProviderContext<TService> context) : ServiceBinderBase
    {
        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler)
        {
            var (metadata, invoker) = Bind<UnaryServerMethod<TService, TRequest, TResponse>>(method);
            context.AddUnaryMethod(Readable(method), metadata, invoker);
        }

        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler)
        {
            var (metadata, invoker) = Bind<ServerStreamingServerMethod<TService, TRequest, TResponse>>(method);
            context.AddServerStreamingMethod(Readable(method), metadata, invoker);
        }

        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler)
        {
            var (metadata, invoker) = Bind<ClientStreamingServerMethod<TService, TRequest, TResponse>>(method);
            context.AddClientStreamingMethod(Readable(method), metadata, invoker);
        }

        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler)
        {
            var (metadata, invoker) = Bind<DuplexStreamingServerMethod<TService, TRequest, TResponse>>(method);
            context.AddDuplexStreamingMethod(Readable(method), metadata, invoker);
        }

        /// <summary>The method of the service that answers, and what routing is told of it.</summary>
        private static (List<object> Metadata, TInvoker Invoker) Bind<TInvoker>(IMethod method)
            where TInvoker : Delegate
        {
            Type[] parameters = [.. typeof(TInvoker).GetMethod("Invoke")!.GetParameters().Skip(1).Select(p => p.ParameterType)];
            var handler = typeof(TService).GetMethod(method.Name, parameters)!;
            List<object> metadata =
            [
                .. typeof(TService).GetCustomAttributes(inherit: true),
                .. handler.GetCustomAttributes(inherit: true),
                new HttpMethodMetadata(["POST"], acceptCorsPreflight: true),
            ];
            return (metadata, handler.CreateDelegate<TInvoker>());
        }

        private static Method<TRequest, TResponse> Readable<TRequest, TResponse>(Method<TRequest, TResponse> method)
            where TRequest : class
            where TResponse : class
        {
            var requests = method.RequestMarshaller;
            var readable = new Marshaller<TRequest>(requests.ContextualSerializer, message =>
            {
                MeasuredBody.Current?.Parsing(message.PayloadAsReadOnlySequence());
                try
                {
                    return requests.ContextualDeserializer(message);
                }
                catch (InvalidProtocolBufferException e)
                {
                    throw CallStatus.Status(Code.InvalidArgument, $"the message is no {typeof(TRequest).Name}: {e.Message}");
                }
            });
            return new Method<TRequest, TResponse>(method.Type, method.ServiceName, method.Name, readable, method.ResponseMarshaller);
        }
    }
}
