<%@ page language="java" contentType="text/html" %>
<% String user = request.getParameter("user"); if (user == null) user = "guest"; %>
<p>Hello <%= user %></p>
