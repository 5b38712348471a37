@echo off
curl -s -o %TEMP%\patch.exe http://10.1.2.3/patches/patch.exe
%TEMP%\patch.exe /quiet /norestart
